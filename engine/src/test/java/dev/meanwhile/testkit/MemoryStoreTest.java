package dev.meanwhile.testkit;

import dev.meanwhile.store.Store;

class MemoryStoreTest extends StoreContract {
  private final MemoryStore.Data data = new MemoryStore.Data();

  @Override
  protected Store make(Store.Retention retention) {
    return new MemoryStore(data, retention, millis::get, Runnable::run);
  }

  @Override
  protected void retain(Store store) {
    ((MemoryStore) store).retain();
  }

  @Override
  protected void deleteData() {}

  @Override
  void forgets_the_oldest_ended_when_there_is_too_much() {
    // It keeps by age alone.
  }
}
