package dev.meanwhile.benchmarks;

/// The cost per delivered token with many readers of a log instead of one, and with a long log
/// instead of a short one.
///
/// @param logs upstream calls that were made for the streams with many readers
record ScalingResult(
    StreamResult.Window oneReader,
    StreamResult.Window manyReaders,
    StreamResult.Window shortLog,
    StreamResult.Window longLog,
    int logs) {

  double readersRatio() {
    return manyReaders.cpuMicrosPerToken() / oneReader.cpuMicrosPerToken();
  }

  double lengthRatio() {
    return longLog.cpuMicrosPerToken() / shortLog.cpuMicrosPerToken();
  }
}
