package dev.meanwhile.simulator;

import java.nio.charset.StandardCharsets;

/// Readable text that follows from a seed: sentences of eight words, one word a token.
final class Prose {
  private static final int WORDS = 8;

  private static final String[] SENTENCES = {
    "The train from Zürich → 東京 leaves nightly.",
    "Every answer here is made of whole words.",
    "Nobody should have to wait for slow machines.",
    "A small café in Málaga serves crêpes daily.",
    "Rain fell over Kraków while Łukasz kept reading.",
    "Measure twice, then decide which pattern really fits.",
    "The library opens at 8:30 and smells old.",
    "Привет said the parrot, and everyone laughed loudly.",
    "An event log remembers what the network forgets.",
    "Some emoji 🙂 take four bytes, letters fewer.",
    "She wrote \"naïve\" twice and crossed it out.",
    "Green tea (緑茶) tastes better after a walk.",
    "The queue was short, the coffee was strong.",
    "Streams arrive word by word, never in half.",
    "Two readers can follow one writer at once.",
    "At last the long night became a morning.",
  };

  private static final String[] TEXT = new String[SENTENCES.length * WORDS];
  private static final byte[][] JSON = new byte[TEXT.length][];
  private static final byte[][] FIRST = new byte[SENTENCES.length][];

  static {
    for (int sentence = 0; sentence < SENTENCES.length; sentence++) {
      String[] words = SENTENCES[sentence].split(" ", -1);
      if (words.length != WORDS) {
        throw new ExceptionInInitializerError("not " + WORDS + " words: " + SENTENCES[sentence]);
      }
      for (int word = 0; word < WORDS; word++) {
        int index = sentence * WORDS + word;
        TEXT[index] = " " + words[word];
        JSON[index] = TEXT[index].replace("\"", "\\\"").getBytes(StandardCharsets.UTF_8);
      }
      FIRST[sentence] = words[0].getBytes(StandardCharsets.UTF_8);
    }
  }

  private Prose() {}

  /// Token `index` (from 0) of the text of this seed, escaped for a JSON string. Not to be changed.
  static byte[] json(long seed, int index) {
    int at = at(seed, index);
    return index == 0 ? FIRST[at / WORDS] : JSON[at];
  }

  /// The first so many tokens of the text of this seed.
  static String text(long seed, int tokens) {
    var text = new StringBuilder(tokens * 8);
    for (int i = 0; i < tokens; i++) {
      text.append(TEXT[at(seed, i)]);
    }
    return text.isEmpty() ? "" : text.substring(1);
  }

  private static int at(long seed, int index) {
    int sentence = (int) (Hash.mix(seed + index / WORDS) & (SENTENCES.length - 1));
    return sentence * WORDS + index % WORDS;
  }
}
