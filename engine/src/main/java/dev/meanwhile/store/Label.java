package dev.meanwhile.store;

/// What a run is shown as, and in which feed.
///
/// @param channel the feed's name among those of the run's tenant
/// @param title for people
public record Label(String channel, String title) {}
