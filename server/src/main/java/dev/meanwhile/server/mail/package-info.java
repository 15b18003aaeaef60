/// Mails that tell somebody of the end of a run: whom they may go to, and how they are sent.
@NullMarked
package dev.meanwhile.server.mail;

import org.jspecify.annotations.NullMarked;
