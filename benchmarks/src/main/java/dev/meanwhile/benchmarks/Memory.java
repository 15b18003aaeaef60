package dev.meanwhile.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/// The memory of a server at one moment, in bytes. `live` exists for JVMs only: what their heap
/// holds after a collection, plus all that they allocated outside of it.
record Memory(long resident, OptionalLong live) {
  private static final Pattern HEAP_USED = Pattern.compile("\\bused\\s+(\\d+)([KMG])");
  private static final Pattern TOTAL_COMMITTED =
      Pattern.compile("Total: reserved=\\d+KB, committed=(\\d+)KB");
  private static final Pattern HEAP_COMMITTED =
      Pattern.compile("Java Heap \\(reserved=\\d+KB, committed=(\\d+)KB");

  /// Reads it off any process.
  static Memory of(ProcessTree process) {
    return new Memory(process.residentBytes(), OptionalLong.empty());
  }

  /// Collects the garbage of a JVM that was started with `-XX:NativeMemoryTracking=summary`, then
  /// reads its memory.
  static Memory ofJvm(ProcessTree process) {
    var _ = jcmd(process, "GC.run");
    var live =
        heapUsed(jcmd(process, "GC.heap_info"))
            + outsideHeap(jcmd(process, "VM.native_memory", "summary", "scale=KB"));
    return new Memory(process.residentBytes(), OptionalLong.of(live));
  }

  /// Collects the garbage of a JVM; returns the bytes that its heap then holds.
  static long heapAfterCollection(ProcessTree process) {
    var _ = jcmd(process, "GC.run");
    return heapUsed(jcmd(process, "GC.heap_info"));
  }

  private static String jcmd(ProcessTree process, String... command) {
    var program = ProcessHandle.current().info().command().orElse("java").replaceAll("java$", "");
    var words = new ArrayList<String>();
    words.add(program + "jcmd");
    words.add(Long.toString(process.root().pid()));
    words.addAll(List.of(command));
    return Shell.output(words);
  }

  /// The used bytes in what `jcmd GC.heap_info` prints, of whichever collector.
  static long heapUsed(String heapInfo) {
    var used = HEAP_USED.matcher(heapInfo);
    if (!used.find()) {
      throw new IllegalStateException("No heap usage in: " + heapInfo);
    }
    var kilobytes =
        switch (used.group(2)) {
          case "K" -> 1L;
          case "M" -> 1024L;
          default -> 1024L * 1024;
        };
    return Long.parseLong(used.group(1)) * kilobytes * 1024;
  }

  /// The committed bytes outside of the heap in what `jcmd VM.native_memory summary` prints.
  static long outsideHeap(String nativeMemory) {
    return (kilobytes(TOTAL_COMMITTED, nativeMemory) - kilobytes(HEAP_COMMITTED, nativeMemory))
        * 1024;
  }

  private static long kilobytes(Pattern pattern, String text) {
    var found = pattern.matcher(text);
    if (!found.find()) {
      throw new IllegalStateException("No native memory tracking in: " + text);
    }
    return Long.parseLong(found.group(1));
  }
}
