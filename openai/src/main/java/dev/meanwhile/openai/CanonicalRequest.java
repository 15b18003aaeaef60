package dev.meanwhile.openai;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What of a request makes its answer, as bytes that are equal for equal requests and different for
/// different ones: the request's part of a key.
///
/// Without the model, which the caller adds as it was resolved, and the members that do not change
/// the answer. The members of the request and of all in `messages` are sorted by name; elsewhere
/// their order counts, since it does in schemas. Numbers are exact decimals and strings are what
/// they mean, so spelling does not count.
public final class CanonicalRequest {
  private static final Set<String> DENIED =
      Set.of(
          "model",
          "stream",
          "stream_options",
          "background",
          "store",
          "user",
          "safety_identifier",
          "metadata",
          "service_tier",
          "prompt_cache_key");

  private final byte[] body;
  private final JsonScanner in;
  private final Bytes out;

  private CanonicalRequest(byte[] body) {
    this.body = body;
    this.in = new JsonScanner().reset(body, 0, body.length);
    this.out = new Bytes(body.length + 128);
  }

  /// The canonical bytes of a request.
  ///
  /// @return empty if it has none, so that it must be relayed: a name is given twice somewhere, an
  ///   exponent has more than 18 digits, or it is not a JSON object in UTF-8
  public static Optional<byte[]> of(byte[] body) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body));
      CanonicalRequest request = new CanonicalRequest(body);
      request.envelope();
      request.in.finish();
      return Optional.of(request.out.copy(0));
    } catch (MalformedJson | CharacterCodingException e) {
      return Optional.empty();
    }
  }

  /// Where a member stands in what was written.
  private record Member(String name, int from, int to) {}

  private void envelope() {
    int begin = out.add('{').size();
    List<Member> members = new ArrayList<>();
    Set<String> names = new HashSet<>();
    in.enterObject();
    while (in.member()) {
      String name = unique(names);
      int from = out.size();
      string(name);
      value(name.equals("messages"));
      if (DENIED.contains(name)) {
        out.cut(from);
      } else {
        members.add(new Member(name, from, out.size()));
      }
    }
    sort(members, begin);
    out.add('}');
  }

  private void object(boolean sorted) {
    int begin = out.add('{').size();
    List<Member> members = new ArrayList<>();
    Set<String> names = new HashSet<>();
    in.enterObject();
    while (in.member()) {
      String name = unique(names);
      int from = out.size();
      string(name);
      value(sorted);
      members.add(new Member(name, from, out.size()));
    }
    if (sorted) {
      sort(members, begin);
    }
    out.add('}');
  }

  private String unique(Set<String> names) {
    String name = in.name();
    if (!names.add(name)) {
      throw new MalformedJson("a name is given twice", in.start());
    }
    return name;
  }

  private void sort(List<Member> members, int begin) {
    byte[] before = out.copy(begin);
    out.cut(begin);
    members.sort(Comparator.comparing(Member::name));
    for (Member member : members) {
      out.add(before, member.from - begin, member.to - begin);
    }
  }

  private void value(boolean sorted) {
    switch (in.peek()) {
      case OBJECT -> object(sorted);
      case ARRAY -> {
        out.add('[');
        in.enterArray();
        while (in.element()) {
          value(sorted);
        }
        out.add(']');
      }
      case STRING -> {
        in.skip();
        int from = in.start() + 1;
        int to = in.end() - 1;
        if (in.escaped()) {
          string(Json.decode(body, from, to));
        } else {
          length(to - from).add(body, from, to);
        }
      }
      case NUMBER -> {
        in.skip();
        number(in.start(), in.end());
      }
      case TRUE -> word('t');
      case FALSE -> word('f');
      case NULL -> word('n');
    }
  }

  private void word(char tag) {
    in.skip();
    out.add(tag);
  }

  /// Writes `length:` before a string's bytes, so that no text can look like structure.
  private Bytes length(int bytes) {
    return out.add("\"" + bytes + ":");
  }

  /// A string in UTF-8, but a lone surrogate in three bytes of its own, as no valid UTF-8 has them.
  private void string(String text) {
    Bytes bytes = new Bytes(text.length());
    int plain = 0;
    for (int i = 0; i < text.length(); i++) {
      if (Json.lone(text, i)) {
        int c = text.charAt(i);
        bytes.add(text.substring(plain, i));
        bytes.add(0xE0 | (c >> 12)).add(0x80 | ((c >> 6) & 63)).add(0x80 | (c & 63));
        plain = i + 1;
      }
    }
    byte[] encoded = bytes.add(text.substring(plain)).copy(0);
    length(encoded.length).add(encoded, 0, encoded.length);
  }

  /// Writes `#-123e4;`: digits without zeros around them, and the exponent of the last one.
  private void number(int from, int to) {
    out.add('#');
    int begin = out.size();
    boolean negative = body[from] == '-';
    if (negative) {
      out.add('-');
    }
    int digits = out.size();
    // How many digits stand behind the point, and how many zeros at the end.
    long behind = 0;
    long zeros = 0;
    boolean point = false;
    int i = negative ? from + 1 : from;
    for (; i < to && (body[i] | 0x20) != 'e'; i++) {
      if (body[i] == '.') {
        point = true;
        continue;
      }
      behind += point ? 1 : 0;
      zeros = body[i] == '0' ? zeros + 1 : 0;
      if (body[i] != '0' || out.size() > digits) {
        out.add(body[i]);
      }
    }
    if (out.size() == digits) {
      out.cut(begin);
      out.add("0;");
      return;
    }
    out.cut(out.size() - (int) zeros);
    out.add("e" + (exponent(i + 1, to) - behind + zeros) + ";");
  }

  private long exponent(int from, int to) {
    if (from >= to) {
      return 0;
    }
    boolean negative = body[from] == '-';
    int i = negative || body[from] == '+' ? from + 1 : from;
    while (i < to - 1 && body[i] == '0') {
      i++;
    }
    if (to - i > 18) {
      throw new MalformedJson("an exponent of more than 18 digits", from);
    }
    long value = 0;
    for (; i < to; i++) {
      value = value * 10 + body[i] - '0';
    }
    return negative ? -value : value;
  }
}
