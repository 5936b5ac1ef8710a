// SIGTERM and SIGINT, which ask a daemon to end. They are caught by a handler,
// not blocked: libraries start threads before main, which would block nothing
// and be ended by the signal, and the process with them.
#pragma once

namespace vitrine {

// From here on neither signal ends the process. Call it once, in main.
void CatchTermination();

// Waits for the next signal since CatchTermination, and returns its number.
// Thread-safe; each signal is returned once.
int AwaitTermination();

}  // namespace vitrine
