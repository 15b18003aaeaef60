package dev.meanwhile.upstream;

import java.util.List;
import java.util.Map;

/// One call of an AI API, ready to be sent.
///
/// @param upstream the name of the configured upstream
/// @param api the dialect: `chat` or `embeddings`
/// @param path what to append to the upstream's base URL, with its query: `/chat/completions`
/// @param headers the headers to send besides those of the connection; credentials included, so
///   never log them
/// @param body the bytes to send; not to be changed
/// @param streamed whether the body asks for a stream of events
@SuppressWarnings("ArrayRecordComponent") // a body is big, and nobody compares requests
public record Request(
    String upstream,
    String api,
    String path,
    List<Map.Entry<String, String>> headers,
    byte[] body,
    boolean streamed) {}
