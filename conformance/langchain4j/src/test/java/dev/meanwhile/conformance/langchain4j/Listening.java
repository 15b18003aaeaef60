package dev.meanwhile.conformance.langchain4j;

import static java.util.Objects.requireNonNull;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/// Listens to one streamed answer. Thread-safe.
final class Listening implements StreamingChatResponseHandler {
  private static final int SECONDS = 30;

  private final List<String> parts = new CopyOnWriteArrayList<>();
  private final BlockingQueue<String> unread = new LinkedBlockingQueue<>();
  private final AtomicReference<StreamingHandle> handle = new AtomicReference<>();
  private final CompletableFuture<ChatResponse> answer = new CompletableFuture<>();

  @Override
  public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
    handle.set(context.streamingHandle());
    parts.add(part.text());
    unread.add(part.text());
  }

  @Override
  public void onCompleteResponse(ChatResponse response) {
    answer.complete(response);
  }

  @Override
  public void onError(Throwable error) {
    answer.completeExceptionally(error);
  }

  /// What came so far.
  List<String> parts() {
    return List.copyOf(parts);
  }

  /// Waits for the next part.
  String next() {
    try {
      return requireNonNull(unread.poll(SECONDS, TimeUnit.SECONDS), "no part within 30 s");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a part", e);
    }
  }

  /// Waits for the whole answer.
  ChatResponse answer() {
    return answer.orTimeout(SECONDS, TimeUnit.SECONDS).join();
  }

  /// Waits for the failure.
  ///
  /// @throws AssertionError if there is an answer instead
  Throwable error() {
    return answer
        .orTimeout(SECONDS, TimeUnit.SECONDS)
        .handle((response, error) -> {
          if (error == null) {
            throw new AssertionError("not a failure, but the answer " + response);
          }
          return error;
        })
        .join();
  }

  /// Leaves; a part must have come.
  void cancel() {
    requireNonNull(handle.get(), "nothing to cancel yet").cancel();
  }
}
