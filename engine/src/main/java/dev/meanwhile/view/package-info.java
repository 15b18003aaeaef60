/// Views: one file for each way to deliver a log. Nothing here knows a writer.
@NullMarked
package dev.meanwhile.view;

import org.jspecify.annotations.NullMarked;
