package dev.meanwhile.server.config;

/// An option, for help and documentation.
///
/// @param name as the flag without its `--`, and as the key in the file
/// @param placeholder stands for the value: `<duration>`
/// @param description one line
/// @param defaultText what holds if it is not given
/// @param inFile whether the file's `server` section has it too; else only a flag and a variable
public record OptionInfo(
    String name, String placeholder, String description, String defaultText, boolean inFile) {
  static final String SWITCH = "<true|false>";

  /// The variable that sets it: `MEANWHILE_MAX_RUN`.
  public String variable() {
    return Place.variableName(name);
  }

  /// Whether its flag may stand without a value, which then means `true`.
  public boolean isSwitch() {
    return placeholder.equals(SWITCH);
  }
}
