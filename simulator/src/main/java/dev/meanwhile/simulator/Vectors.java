package dev.meanwhile.simulator;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.SplittableRandom;

/// Embedding vectors that follow from a seed.
final class Vectors {
  private Vectors() {}

  /// A vector of length 1.
  static float[] of(long seed, int dimensions) {
    var random = new SplittableRandom(seed);
    double[] drawn = new double[dimensions];
    double squares = 0;
    for (int i = 0; i < dimensions; i++) {
      drawn[i] = random.nextDouble(-1, 1);
      squares += drawn[i] * drawn[i];
    }
    float[] vector = new float[dimensions];
    for (int i = 0; i < dimensions; i++) {
      vector[i] = (float) (drawn[i] / Math.sqrt(squares));
    }
    return vector;
  }

  /// Little-endian float32, as OpenAI's SDKs ask for.
  static String base64(float[] vector) {
    var bytes = ByteBuffer.allocate(4 * vector.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(vector);
    return Base64.getEncoder().encodeToString(bytes.array());
  }

  static String json(float[] vector) {
    var json = new StringBuilder(vector.length * 14).append('[');
    for (int i = 0; i < vector.length; i++) {
      json.append(i == 0 ? "" : ",").append(vector[i]);
    }
    return json.append(']').toString();
  }
}
