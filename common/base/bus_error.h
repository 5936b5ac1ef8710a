// Reads of a mapped file that the file no longer backs: it was cut under its
// map, or its disk failed. The kernel answers them with SIGBUS, which ends the
// process; and C++ cannot jump out of the handler of one.
#pragma once

#include <cstddef>

namespace vitrine {

// From here on such a read of a guarded mapping gives zeros and flags the
// mapping. What else raises SIGBUS goes to the handler from before. Call it in
// main; to call it again does nothing. Thread-safe.
void CatchBusErrors();

// Guards a mapping: it begins at a page. Make it once the mapping is there, and
// destroy it before the mapping goes. Thread-safe.
class MappingGuard {
 public:
  MappingGuard(const void* begin, size_t bytes);
  ~MappingGuard();
  MappingGuard(const MappingGuard&) = delete;
  MappingGuard& operator=(const MappingGuard&) = delete;

  // Whether some read was given zeros. Whoever has read the mapping asks this
  // after.
  bool faulted() const;

  struct Slot;  // Of the table that the handler reads.

 private:
  Slot* const slot_;
};

}  // namespace vitrine
