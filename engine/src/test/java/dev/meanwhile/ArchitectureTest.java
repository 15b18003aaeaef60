package dev.meanwhile;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The map of the engine, checked. Change it only together with the picture in the docs.
class ArchitectureTest {
  private final JavaClasses engine =
      new ClassFileImporter().importPath(Path.of("target", "classes"));

  @Test
  void writers_and_views_meet_only_in_the_log() {
    layeredArchitecture()
        .consideringOnlyDependenciesInAnyPackage("dev.meanwhile..")
        .ensureAllClassesAreContainedInArchitecture()
        .layer("facade")
        .definedBy("dev.meanwhile")
        .layer("log")
        .definedBy("dev.meanwhile.log..")
        .layer("budget")
        .definedBy("dev.meanwhile.budget..")
        .layer("prefetch")
        .definedBy("dev.meanwhile.prefetch..")
        .layer("upstream")
        .definedBy("dev.meanwhile.upstream..")
        .layer("store")
        .definedBy("dev.meanwhile.store..")
        .layer("dispatch")
        .definedBy("dev.meanwhile.dispatch..")
        .layer("view")
        .definedBy("dev.meanwhile.view..")
        .layer("notify")
        .definedBy("dev.meanwhile.notify..")
        .layer("cache")
        .definedBy("dev.meanwhile.cache..")
        .whereLayer("cache")
        .mayOnlyAccessLayers("log")
        .whereLayer("log")
        .mayNotAccessAnyLayer()
        .whereLayer("budget")
        .mayNotAccessAnyLayer()
        .whereLayer("prefetch")
        .mayOnlyAccessLayers("budget")
        .whereLayer("store")
        .mayOnlyAccessLayers("log")
        .whereLayer("upstream")
        .mayOnlyAccessLayers("log")
        .whereLayer("dispatch")
        .mayOnlyAccessLayers("log", "upstream", "budget", "store", "cache")
        .whereLayer("notify")
        .mayOnlyAccessLayers("store", "budget")
        .whereLayer("view")
        .mayOnlyAccessLayers("log", "budget", "store")
        .check(engine);
  }

  @Test
  void no_cycles() {
    slices().matching("dev.meanwhile.(*)..").should().beFreeOfCycles().check(engine);
  }

  @Test
  void the_engine_needs_the_jdk_and_a_bounded_map_only() {
    classes()
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "dev.meanwhile..", "java..", "org.jspecify..", "com.github.benmanes.caffeine.cache..")
        .check(engine);
  }

  @Test
  void the_heart_stays_small() throws IOException {
    Path log = Path.of("src", "main", "java", "dev", "meanwhile", "log");
    try (var files = Files.list(log)) {
      List<Path> sources =
          files.filter(file -> !file.endsWith("package-info.java")).sorted().toList();
      int lines = 0;
      for (Path source : sources) {
        lines += Files.readAllLines(source).size();
      }
      assertThat(sources).as("files of the log").hasSizeLessThanOrEqualTo(8);
      assertThat(lines).as("lines of the log").isLessThanOrEqualTo(700);
    }
  }
}
