package dev.meanwhile.simulator;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.simulator.Fault.Quirk;
import io.vertx.core.buffer.Buffer;

/// How payloads become SSE events.
///
/// @param before what stands before a JSON object's text, its brace included
/// @param beforeOther what stands before any other payload
/// @param after what ends an event
record Framing(String before, String beforeOther, String after) {
  static final Framing USUAL = of(Fault.NONE);

  static Framing of(Fault fault) {
    String eol = fault.has(Quirk.CRLF) ? "\r\n" : "\n";
    String comment = fault.has(Quirk.COMMENTS) ? ": simulated" + eol : "";
    String data = comment + "data: ";
    // JSON may have white space after its brace, so the event means the same.
    String brace = fault.has(Quirk.MULTI_LINE) ? "{" + eol + "data: " : "{";
    return new Framing(data + brace, data, eol + eol);
  }

  byte[] event(byte[] payload) {
    boolean object = payload.length > 0 && payload[0] == '{';
    var event = Buffer.buffer(payload.length + 32).appendString(object ? before : beforeOther);
    int from = object ? 1 : 0;
    return event.appendBytes(payload, from, payload.length - from).appendString(after).getBytes();
  }

  byte[] event(String payload) {
    return event(payload.getBytes(UTF_8));
  }
}
