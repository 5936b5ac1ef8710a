#include "common/base/bus_error.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <vector>

namespace vitrine {

// A slot is used again for another mapping, but never freed: a handler may be
// reading it. `version` is odd while the range changes, so that no handler
// takes the begin of one mapping for that of another.
struct MappingGuard::Slot {
  std::atomic<uint32_t> version = 0;
  std::atomic<uintptr_t> begin = 0;
  std::atomic<uintptr_t> end = 0;
  std::atomic<bool> faulted = false;
  Slot* next = nullptr;  // Set before others see the slot.

  void SetRange(uintptr_t new_begin, uintptr_t new_end) {
    ++version;
    begin = new_begin;
    end = new_end;
    ++version;
  }
};

namespace {

using Slot = MappingGuard::Slot;

static_assert(std::atomic<uintptr_t>::is_always_lock_free &&
                  std::atomic<Slot*>::is_always_lock_free,
              "a handler of signals must not wait for a lock");

std::atomic<Slot*> slots = nullptr;  // The head of a list that only grows.
struct sigaction former;
std::atomic<uintptr_t> page_bytes = 4096;

std::mutex& FreeMutex() {
  static auto* const mutex = new std::mutex;
  return *mutex;
}
std::vector<Slot*>& FreeSlots() {
  static auto* const free_slots = new std::vector<Slot*>;
  return *free_slots;
}

Slot* TakeSlot() {
  const std::lock_guard lock(FreeMutex());
  if (!FreeSlots().empty()) {
    Slot* const slot = FreeSlots().back();
    FreeSlots().pop_back();
    return slot;
  }
  Slot* const slot = new Slot;
  slot->next = slots;
  slots = slot;
  return slot;
}

// The guarded mapping at `address`, and where it ends. From here to Handle all
// is safe in a handler: no lock, no allocation.
Slot* FindSlot(uintptr_t address, uintptr_t* end) {
  for (Slot* slot = slots; slot != nullptr; slot = slot->next) {
    const uint32_t version = slot->version;
    const uintptr_t begin = slot->begin;
    *end = slot->end;
    if (version % 2 == 0 && version == slot->version && begin <= address &&
        address < *end) {
      return slot;
    }
  }
  return nullptr;
}

// Puts pages of zeros in the place of all from the page of `address` to `end`.
// All of it, since whoever reads on would raise a signal a page, and leave more
// mappings than the kernel allows. The system call itself, since a sanitizer's
// mmap is not safe here.
bool ReplaceByZeros(uintptr_t address, uintptr_t end) {
  const uintptr_t begin = address / page_bytes * page_bytes;
  return ::syscall(SYS_mmap, begin, end - begin, PROT_READ,
                   MAP_FIXED | MAP_ANONYMOUS | MAP_PRIVATE | MAP_NORESERVE, -1,
                   0) == static_cast<long>(begin);
}

void Handle(int signal_number, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  // A positive code is the kernel's own; anybody may send the others.
  if (info->si_code > 0) {
    const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
    uintptr_t end = 0;
    if (Slot* const slot = FindSlot(address, &end)) {
      // First the flag: other threads may read the zeros at once.
      slot->faulted = true;
      if (ReplaceByZeros(address, end)) {
        errno = saved_errno;
        return;
      }
    }
  }
  if ((former.sa_flags & SA_SIGINFO) != 0) {
    former.sa_sigaction(signal_number, info, context);
  } else if (former.sa_handler != SIG_DFL && former.sa_handler != SIG_IGN) {
    former.sa_handler(signal_number);
  } else {
    // Ends the process as it would have without us.
    ::signal(signal_number, SIG_DFL);
    ::raise(signal_number);
  }
  errno = saved_errno;
}

}  // namespace

void CatchBusErrors() {
  static std::once_flag once;
  std::call_once(once, [] {
    page_bytes = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
    // Read first: the handler may run before sigaction returns.
    ::sigaction(SIGBUS, nullptr, &former);
    struct sigaction action = {};
    action.sa_sigaction = Handle;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, nullptr);
  });
}

MappingGuard::MappingGuard(const void* begin, size_t bytes)
    : slot_(TakeSlot()) {
  const auto address = reinterpret_cast<uintptr_t>(begin);
  slot_->faulted = false;
  slot_->SetRange(address, address + bytes);
}

MappingGuard::~MappingGuard() {
  slot_->SetRange(0, 0);
  const std::lock_guard lock(FreeMutex());
  FreeSlots().push_back(slot_);
}

bool MappingGuard::faulted() const { return slot_->faulted; }

}  // namespace vitrine
