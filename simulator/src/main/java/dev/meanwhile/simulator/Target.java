package dev.meanwhile.simulator;

import tools.jackson.databind.JsonNode;

/// What a call is addressed to.
///
/// @param name as the caller wrote it, fault included
record Target(String name, Model model, Fault fault) {
  /// @throws ApiError 400 without a model or with a fault that is none, 404 for an unknown model
  static Target of(JsonNode body, Overrides overrides) {
    JsonNode name = body.path("model");
    if (!name.isString() || name.stringValue().isEmpty()) {
      throw ApiError.invalid("you must provide a model parameter", "model");
    }
    Target named = of(name.stringValue());
    return overrides.fault() == null
        ? named
        : new Target(named.name, named.model, overrides.fault());
  }

  /// @throws ApiError 400 if the fault is none, 404 for an unknown model
  static Target of(String name) {
    int colon = name.indexOf(':');
    Model model = Model.of(colon < 0 ? name : name.substring(0, colon));
    if (model == null) {
      throw ApiError.unknownModel(name);
    }
    try {
      return new Target(
          name, model, colon < 0 ? Fault.NONE : Fault.parse(name.substring(colon + 1)));
    } catch (IllegalArgumentException e) {
      throw ApiError.invalid("In the model's name: " + e.getMessage(), "model");
    }
  }
}
