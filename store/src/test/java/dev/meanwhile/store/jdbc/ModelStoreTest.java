package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Store;
import dev.meanwhile.testkit.BatchContract;

class ModelStoreTest extends BatchContract {
  private final ModelStore.Data data = new ModelStore.Data();

  @Override
  protected Store make(Store.Retention retention) {
    return new ModelStore(data, retention, millis::get, Runnable::run);
  }

  @Override
  protected void retain(Store store) {
    ((ModelStore) store).retain();
  }

  @Override
  protected void deleteData() {}

  @Override
  protected void forgets_the_oldest_ended_when_there_is_too_much() {
    // It keeps by age alone.
  }

  @Override
  protected void answers_go_before_what_was_promised() {
    // The same.
  }
}
