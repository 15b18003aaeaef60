/// A simulated AI API: OpenAI-compatible, with known latency distributions and faults on demand.
///
/// Start it with [dev.meanwhile.simulator.Simulator#start]. One instance of
/// [dev.meanwhile.simulator.Routes] lives on each event loop and shares
/// [dev.meanwhile.simulator.World] with the others. What a call gets is decided by pure classes
/// before anything is sent: `Draw` and `Timeline` (when), `Script` (what), `Fault` (what goes
/// wrong).
@NullMarked
package dev.meanwhile.simulator;

import org.jspecify.annotations.NullMarked;
