/// What tests of every module share.
@NullMarked
package dev.meanwhile.testkit;

import org.jspecify.annotations.NullMarked;
