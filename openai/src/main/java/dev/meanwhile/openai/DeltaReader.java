package dev.meanwhile.openai;

import dev.meanwhile.openai.JsonScanner.Value;

/// Finds in a chat event, or in a plain answer, what a user gets of it, without a tree.
final class DeltaReader {
  private static final byte[] CHOICES = Json.ascii("choices");
  private static final byte[] TYPE = Json.ascii("type");
  private static final byte[] OUTPUT = Json.ascii("output");
  private static final byte[] INDEX = Json.ascii("index");
  private static final byte[] DELTA = Json.ascii("delta");
  private static final byte[] MESSAGE = Json.ascii("message");
  private static final byte[] CONTENT = Json.ascii("content");
  private static final byte[] REASONING = Json.ascii("reasoning");
  private static final byte[] REASONING_CONTENT = Json.ascii("reasoning_content");
  private static final byte[] REFUSAL = Json.ascii("refusal");
  private static final byte[] TOOL_CALLS = Json.ascii("tool_calls");
  private static final byte[] TEXT = Json.ascii("text");
  private static final byte[] THINKING = Json.ascii("thinking");

  private final JsonScanner outer = new JsonScanner();
  private final JsonScanner inner = new JsonScanner();
  private final Found found;
  private byte[] bytes = {};
  private int index;

  /// What was found, in order.
  enum Part {
    TEXT,
    REASONING,
    REFUSAL,
    TOOL_CALL
  }

  /// Takes what was found: raw JSON, a string that is not empty or, for a tool call, an object.
  interface Found {
    void part(int index, Part part, byte[] bytes, int from, int to);
  }

  DeltaReader(Found found) {
    this.found = found;
  }

  /// Reads one event's data or a plain answer; nothing is found in what is not JSON from where it
  /// is not.
  void read(byte[] data, int offset, int length) {
    bytes = data;
    String type = "";
    int from = -1;
    int to = -1;
    try {
      outer.reset(data, offset, length).enterObject();
      while (outer.member()) {
        if (outer.named(CHOICES) && outer.peek() == Value.ARRAY) {
          outer.enterArray();
          for (int position = 0; outer.element(); position++) {
            if (outer.peek() == Value.OBJECT) {
              choice(position);
            }
          }
        } else if (outer.named(TYPE) && outer.peek() == Value.STRING) {
          type = outer.string();
        } else if (outer.named(DELTA) && outer.peek() == Value.STRING && outer.substance()) {
          from = outer.start();
          to = outer.end();
        } else if (outer.named(OUTPUT) && outer.peek() == Value.ARRAY) {
          output();
        }
      }
      if (from >= 0) {
        spoken(type, from, to, offset, length);
      }
    } catch (MalformedJson _) {
      // What cannot be read says nothing here.
    }
  }

  /// An event of the Responses API.
  private void spoken(String type, int from, int to, int offset, int length) {
    switch (type) {
      case "response.output_text.delta" -> found.part(0, Part.TEXT, bytes, from, to);
      case "response.refusal.delta" -> found.part(0, Part.REFUSAL, bytes, from, to);
      case "response.reasoning_text.delta", "response.reasoning_summary_text.delta" ->
          found.part(0, Part.REASONING, bytes, from, to);
      case "response.function_call_arguments.delta" ->
          found.part(0, Part.TOOL_CALL, bytes, offset, offset + length);
      default -> {}
    }
  }

  /// The output of a plain answer of the Responses API.
  private void output() {
    outer.enterArray();
    while (outer.element()) {
      if (outer.peek() == Value.OBJECT) {
        outer.enterObject();
        String type = "";
        while (outer.member()) {
          if (outer.named(TYPE) && outer.peek() == Value.STRING) {
            type = outer.string();
          } else if (outer.named(CONTENT)) {
            if (outer.peek() == Value.ARRAY) {
              outer.enterArray();
              while (outer.element()) {
                if (outer.peek() == Value.OBJECT) {
                  part(outer, type.equals("reasoning") ? Part.REASONING : Part.TEXT);
                }
              }
            }
          }
        }
      }
    }
  }

  private void choice(int position) {
    index = position;
    int from = -1;
    int to = -1;
    outer.enterObject();
    while (outer.member()) {
      if (outer.named(INDEX)) {
        int number = outer.natural();
        index = number < 0 ? position : number;
      } else if ((outer.named(DELTA) || outer.named(MESSAGE)) && outer.peek() == Value.OBJECT) {
        outer.skip();
        from = outer.start();
        to = outer.end();
      }
    }
    // Only now, since the index may come after the delta.
    if (from >= 0) {
      delta(inner.reset(bytes, from, to - from));
    }
  }

  private void delta(JsonScanner in) {
    boolean reasoned = false;
    in.enterObject();
    while (in.member()) {
      if (in.named(CONTENT)) {
        content(in);
      } else if (in.named(REASONING) || in.named(REASONING_CONTENT)) {
        // Some upstreams give the same under both names.
        reasoned = reasoned || string(in, Part.REASONING);
      } else if (in.named(REFUSAL)) {
        string(in, Part.REFUSAL);
      } else if (in.named(TOOL_CALLS) && in.peek() == Value.ARRAY) {
        in.enterArray();
        while (in.element()) {
          if (in.peek() == Value.OBJECT) {
            in.skip();
            found.part(index, Part.TOOL_CALL, bytes, in.start(), in.end());
          }
        }
      }
    }
  }

  private void content(JsonScanner in) {
    if (in.peek() != Value.ARRAY) {
      string(in, Part.TEXT);
      return;
    }
    in.enterArray();
    while (in.element()) {
      if (in.peek() == Value.OBJECT) {
        part(in, Part.TEXT);
      }
    }
  }

  /// A part of content: `{"type":"text","text":"…"}`, or `{"type":"thinking","thinking":[…]}` with
  /// such parts in it.
  private void part(JsonScanner in, Part kind) {
    in.enterObject();
    while (in.member()) {
      if (in.named(TEXT)) {
        string(in, kind);
      } else if (in.named(THINKING)) {
        if (in.peek() != Value.ARRAY) {
          string(in, Part.REASONING);
          continue;
        }
        in.enterArray();
        while (in.element()) {
          if (in.peek() == Value.OBJECT) {
            part(in, Part.REASONING);
          }
        }
      }
    }
  }

  private boolean string(JsonScanner in, Part part) {
    if (in.peek() != Value.STRING || !in.substance()) {
      return false;
    }
    found.part(index, part, bytes, in.start(), in.end());
    return true;
  }
}
