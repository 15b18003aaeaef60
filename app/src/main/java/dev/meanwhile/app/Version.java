package dev.meanwhile.app;

import picocli.CommandLine.IVersionProvider;

/// The version of the jar this runs from.
final class Version implements IVersionProvider {
  static String text() {
    String version = Version.class.getPackage().getImplementationVersion();
    return version == null ? "(not from a jar)" : version;
  }

  @Override
  public String[] getVersion() {
    return new String[] {"meanwhile " + text()};
  }
}
