package dev.meanwhile.store.jdbc;

/// To come.
abstract non-sealed class Postgres implements Database {}
