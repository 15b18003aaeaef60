package dev.meanwhile.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A relay that is measured: how to start it in front of an origin.
sealed interface Peer {
  /// As it is called in reports.
  String title();

  /// The program and the version that was measured.
  String version();

  /// Header lines that its callers must send, each ended by CRLF.
  default String headers(int originPort) {
    return "";
  }

  /// The command that starts it; `directory` is its own, and empty.
  List<String> command(int port, int originPort, Path directory) throws IOException;

  /// Whether its memory is to be asked of a JVM.
  default boolean isJvm() {
    return false;
  }

  /// Those that the options name, in this order: nginx, Portkey, Meanwhile.
  static List<Peer> chosen(Options options) {
    var peers = new ArrayList<Peer>();
    options.path("nginx").map(Nginx::new).ifPresent(peers::add);
    options.path("portkey").map(Portkey::new).ifPresent(peers::add);
    options
        .path("meanwhile")
        .map(jar -> {
          var jvm = new ArrayList<>(List.of(options.text("jvm").split(" ", -1)));
          options.path("cache").ifPresent(cache -> jvm.add(Meanwhile.CACHE + cache));
          return new Meanwhile(jar, options.text("revision"), jvm);
        })
        .ifPresent(peers::add);
    return List.copyOf(peers);
  }

  /// nginx with the given configuration, in which `@LISTEN@` and `@ORIGIN@` stand for the ports.
  record Nginx(Path configuration) implements Peer {
    @Override
    public String title() {
      return "nginx";
    }

    @Override
    public String version() {
      return Shell.output(List.of("nginx", "-v")).replace("nginx version: nginx/", "nginx ");
    }

    @Override
    public List<String> command(int port, int originPort, Path directory) throws IOException {
      var file = directory.resolve("nginx.conf");
      Files.writeString(
          file,
          Files.readString(configuration)
              .replace("@LISTEN@", Integer.toString(port))
              .replace("@ORIGIN@", Integer.toString(originPort)));
      var words = new ArrayList<>(List.of("nginx", "-e", "stderr"));
      words.addAll(List.of("-p", directory.toString(), "-c", file.toString()));
      // Started by root its worker would be nobody, who may not write to this directory.
      words.addAll(List.of("-g", "user " + System.getProperty("user.name") + ";"));
      return List.copyOf(words);
    }
  }

  /// Portkey's gateway as npm installed it into a directory.
  record Portkey(Path installation) implements Peer {
    @Override
    public String title() {
      return "Portkey";
    }

    @Override
    public String version() {
      var read = "console.log(require('./node_modules/@portkey-ai/gateway/package.json').version)";
      return "@portkey-ai/gateway %s on Node %s"
          .formatted(
              Shell.output(List.of("env", "-C", installation.toString(), "node", "-e", read)),
              Shell.output(List.of("node", "--version")));
    }

    @Override
    public String headers(int originPort) {
      return "x-portkey-provider: openai\r\n"
          + "x-portkey-custom-host: http://127.0.0.1:%d/v1\r\n".formatted(originPort);
    }

    @Override
    public List<String> command(int port, int originPort, Path directory) {
      var server = installation.resolve("node_modules/@portkey-ai/gateway/build/start-server.js");
      return List.of("node", server.toString(), "--headless", "--port=" + port);
    }
  }

  /// Meanwhile's runnable jar, and the options of its JVM.
  record Meanwhile(Path jar, String revision, List<String> jvm) implements Peer {
    private static final String CACHE = "-XX:AOTCache=";

    public Meanwhile {
      jvm = List.copyOf(jvm);
    }

    /// The same, whose JVM accounts for its native memory.
    Meanwhile accountingForMemory() {
      var more = new ArrayList<>(jvm);
      more.add("-XX:NativeMemoryTracking=summary");
      return new Meanwhile(jar, revision, more);
    }

    @Override
    public String title() {
      return "Meanwhile";
    }

    @Override
    public String version() {
      var options = jvm.stream().filter(option -> !option.startsWith(CACHE)).toList();
      return "Meanwhile %s on Java %s, %s, %s AOT cache"
          .formatted(
              revision,
              Runtime.version(),
              String.join(" ", options),
              options.size() == jvm.size() ? "without" : "with");
    }

    @Override
    public List<String> command(int port, int originPort, Path directory) {
      return command(port, List.of("--upstream", "http://127.0.0.1:" + originPort + "/v1"));
    }

    /// The command that starts it with these flags.
    List<String> command(int port, List<String> flags) {
      var words = new ArrayList<String>();
      words.add(ProcessHandle.current().info().command().orElse("java"));
      words.addAll(jvm);
      words.addAll(List.of("-jar", jar.toString(), "serve", "--port", Integer.toString(port)));
      words.addAll(flags);
      return List.copyOf(words);
    }

    @Override
    public boolean isJvm() {
      return true;
    }
  }
}
