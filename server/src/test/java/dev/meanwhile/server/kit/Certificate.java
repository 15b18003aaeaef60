package dev.meanwhile.server.kit;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/// A certificate for `localhost` that nobody has signed, made by openssl; a test that needs it is
/// skipped where there is none.
///
/// @param cert the PEM file of the certificate
/// @param key the PEM file of its private key
/// @param store both, for Java
/// @param trusted the certificate alone, as what a JVM trusts
public record Certificate(Path cert, Path key, Path store, Path trusted) {
  private static final String PASSWORD = "changeit";

  /// A new one, its files in `directory`.
  public static Certificate make(Path directory) {
    var made =
        new Certificate(
            directory.resolve("cert.pem"),
            directory.resolve("key.pem"),
            directory.resolve("store.p12"),
            directory.resolve("trusted.p12"));
    run(
        directory,
        List.of(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1"));
    run(
        directory,
        List.of(
            "openssl",
            "pkcs12",
            "-export",
            "-in",
            "cert.pem",
            "-inkey",
            "key.pem",
            "-out",
            "store.p12",
            "-passout",
            "pass:" + PASSWORD));
    made.writeTrusted();
    return made;
  }

  private static void run(Path directory, List<String> command) {
    try {
      Process process =
          new ProcessBuilder(command)
              .directory(directory.toFile())
              .redirectErrorStream(true)
              .redirectOutput(directory.resolve("openssl.log").toFile())
              .start();
      if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new IllegalStateException(
            command + ": " + Files.readString(directory.resolve("openssl.log")));
      }
    } catch (IOException e) {
      abort(
          "there is no openssl to make a certificate (apt-get install openssl): " + e.getMessage());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /// What serves by this certificate, and trusts it.
  public SSLContext context() {
    try {
      var serving = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      serving.init(read(store), PASSWORD.toCharArray());
      var trusting = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trusting.init(read(trusted));
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(serving.getKeyManagers(), trusting.getTrustManagers(), new SecureRandom());
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /// The flags of a JVM whose platform trusts this certificate.
  public List<String> trustingFlags() {
    return List.of(
        "-Djavax.net.ssl.trustStore=" + trusted, "-Djavax.net.ssl.trustStorePassword=" + PASSWORD);
  }

  private void writeTrusted() {
    try (OutputStream out = Files.newOutputStream(trusted)) {
      KeyStore keys = read(store);
      KeyStore alone = KeyStore.getInstance("PKCS12");
      alone.load(null, null);
      alone.setCertificateEntry("localhost", keys.getCertificate(keys.aliases().nextElement()));
      alone.store(out, PASSWORD.toCharArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static KeyStore read(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      KeyStore read = KeyStore.getInstance("PKCS12");
      read.load(in, PASSWORD.toCharArray());
      return read;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
