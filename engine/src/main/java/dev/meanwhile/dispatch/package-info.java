/// Writers: one file for each way to fill a log. Nothing here knows a view.
@NullMarked
package dev.meanwhile.dispatch;

import org.jspecify.annotations.NullMarked;
