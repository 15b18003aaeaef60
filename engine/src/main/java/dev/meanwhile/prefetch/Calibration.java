package dev.meanwhile.prefetch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Makes probabilities of scores: a forecast's score falls into a bin, and what came of the bin's
/// earlier forecasts says how likely a read really is. Bins are apart by how long a key was idle,
/// as interest dies: of two keys with equal scores the one that was read just now is the likelier.
/// Each bin's frequency is shrunk to that of its group (with the weight of four forecasts), then
/// the bins of a group are made to rise with the score by pooling neighbours that do not (isotonic
/// regression by pool-adjacent-violators; Zadrozny and Elkan, KDD 2002). Without forecasts that
/// came to an end the probability is 0: who has no evidence does not act. Remembers about the last
/// 10,000 forecasts.
final class Calibration {
  /// From where on, in lifetimes since the last visit, a group holds.
  private static final double[] IDLE = {0, 0.25, 1};

  private static final int BINS = 36;
  private static final int BINS_PER_LOGIT = 4;
  private static final double LOWEST = -4;
  private static final double FADE = 1 - 1e-4;
  private static final double SHRINK = 4;

  /// So many failed forecasts are assumed in each group at the start.
  private static final double DOUBT = 2;

  private final double[] wanted = new double[IDLE.length * BINS];
  private final double[] all = new double[IDLE.length * BINS];
  private final double[] fitted = new double[IDLE.length * BINS];
  private boolean stale;

  /// The bin of a score from 0 to 1 of a key that was idle for so many lifetimes.
  int bin(double score, double idle) {
    int group = IDLE.length - 1;
    while (idle < IDLE[group] && group > 0) {
      group--;
    }
    double place = (Math.log(score / (1 - score)) - LOWEST) * BINS_PER_LOGIT;
    return group * BINS + (int) Math.clamp(place, 0, BINS - 1);
  }

  double probability(int bin) {
    fit();
    return fitted[bin];
  }

  void add(int bin, boolean read) {
    for (int i = 0; i < all.length; i++) {
      wanted[i] *= FADE;
      all[i] *= FADE;
    }
    wanted[bin] += read ? 1 : 0;
    all[bin]++;
    stale = true;
  }

  List<Explanation.Bin> bins() {
    fit();
    List<Explanation.Bin> bins = new ArrayList<>();
    for (int i = 0; i < all.length; i++) {
      if (all[i] > 0) {
        double logit = LOWEST + (double) (i % BINS) / BINS_PER_LOGIT;
        double score = i % BINS == 0 ? 0 : 1 / (1 + Math.exp(-logit));
        bins.add(
            new Explanation.Bin(
                IDLE[i / BINS], score, fitted[i], all[i], Math.min(1, wanted[i] / all[i])));
      }
    }
    return bins;
  }

  private void fit() {
    if (stale) {
      for (int group = 0; group < IDLE.length; group++) {
        fit(group * BINS, (group + 1) * BINS);
      }
      stale = false;
    }
  }

  private void fit(int from, int to) {
    double base =
        Arrays.stream(wanted, from, to).sum() / (Arrays.stream(all, from, to).sum() + DOUBT);
    double[] reads = new double[BINS];
    double[] weights = new double[BINS];
    int[] ends = new int[BINS];
    int blocks = 0;
    for (int i = from; i < to; i++) {
      reads[blocks] = wanted[i] + SHRINK * base;
      weights[blocks] = all[i] + SHRINK;
      ends[blocks++] = i + 1;
      while (blocks > 1
          && reads[blocks - 2] / weights[blocks - 2] >= reads[blocks - 1] / weights[blocks - 1]) {
        blocks--;
        reads[blocks - 1] += reads[blocks];
        weights[blocks - 1] += weights[blocks];
        ends[blocks - 1] = ends[blocks];
      }
    }
    for (int block = 0, begin = from; block < blocks; begin = ends[block++]) {
      Arrays.fill(fitted, begin, ends[block], reads[block] / weights[block]);
    }
  }
}
