package dev.meanwhile.store;

/// A part of a log's deflate stream, over all its attempts; the parts in order are the stream.
///
/// @param number 0, 1, … without a gap
/// @param end the offset in the log after the last event it holds
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record Piece(int number, int end, byte[] bytes) {}
