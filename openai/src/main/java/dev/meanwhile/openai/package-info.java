/// The OpenAI dialect: chat completions and embeddings to events and back, and the Responses API
/// made of chat. Pure functions over bytes; no sockets, no clocks, no threads.
@NullMarked
package dev.meanwhile.openai;

import org.jspecify.annotations.NullMarked;
