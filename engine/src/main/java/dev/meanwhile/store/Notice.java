package dev.meanwhile.store;

/// One end that one endpoint, or somebody by mail, is to be told of, and how far that is.
///
/// @param event the id of the event, `evt_…`: the same for each endpoint and each try
/// @param endpoint the id of the endpoint; of a mail, [#MAILTO] and the address
/// @param tenant whose run it is
/// @param run the id of the run that ended
/// @param api the dialect its caller speaks, which may have another id for it
/// @param status how it ended
/// @param endedAt when, in milliseconds since 1970, as all times here
/// @param tries how often it was sent
/// @param due when to send it next; 0 if it has arrived or was given up
/// @param triedAt when it was sent last, 0 before that; of a mail, when that was begun last
/// @param result what became of that, empty before
/// @param arrived whether the endpoint took it
/// @param late whether the run ended after its budget
public record Notice(
    String event,
    String endpoint,
    String tenant,
    String run,
    String api,
    String status,
    long endedAt,
    int tries,
    long due,
    long triedAt,
    String result,
    boolean arrived,
    boolean late) {
  /// What the endpoint of a mail begins with.
  public static final String MAILTO = "mailto:";

  /// The dialect of a batch: nobody speaks it.
  public static final String BATCH = "batch";

  /// The word for such an end among an endpoint's [Endpoint#statuses].
  ///
  /// @param api the dialect that is spoken of what has ended
  public static String word(String api, String status) {
    return api.equals(BATCH) ? BATCH + "." + status : status;
  }

  /// The first notice of an end, due at once; given up at once if the endpoint is disabled.
  public static Notice of(
      Endpoint endpoint, String run, String api, String status, long endedAt, boolean late) {
    return new Notice(
        event(run),
        endpoint.id(),
        endpoint.tenant(),
        run,
        api,
        status,
        endedAt,
        0,
        endpoint.disabled() ? 0 : endedAt,
        0,
        endpoint.disabled() ? "the endpoint is disabled" : "",
        false,
        late);
  }

  /// The first notice of an end for somebody who gets a mail, due at once.
  ///
  /// @param to [#MAILTO] and the address
  public static Notice mail(
      String to, String tenant, String run, String api, String status, long endedAt, boolean late) {
    return new Notice(
        event(run), to, tenant, run, api, status, endedAt, 0, endedAt, 0, "", false, late);
  }

  /// The id of the event that a run's end is: a run has one end, and so one event.
  public static String event(String run) {
    return "evt_" + run.substring(run.indexOf('_') + 1);
  }

  /// The same, to be sent at `at` as if it had never been.
  public Notice again(long at) {
    return new Notice(
        event, endpoint, tenant, run, api, status, endedAt, 0, at, triedAt, result, false, late);
  }

  /// The same, after it was sent once more.
  public Notice tried(long at, String became, boolean itArrived, long next) {
    return new Notice(
        event, endpoint, tenant, run, api, status, endedAt, tries + 1, next, at, became, itArrived,
        late);
  }

  /// The same, taken at `now` by somebody who sends it before `until`.
  public Notice claimed(long now, long until) {
    return new Notice(
        event,
        endpoint,
        tenant,
        run,
        api,
        status,
        endedAt,
        tries,
        until,
        isMail() ? now : triedAt,
        result,
        arrived,
        late);
  }

  /// Whether it is sent by mail.
  public boolean isMail() {
    return endpoint.startsWith(MAILTO);
  }
}
