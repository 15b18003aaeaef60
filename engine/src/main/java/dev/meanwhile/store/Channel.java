package dev.meanwhile.store;

/// Where runs are told of as their state changes: what a feed reads.
///
/// @param name as their callers gave it
public record Channel(String tenant, String name) {}
