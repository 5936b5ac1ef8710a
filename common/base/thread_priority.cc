#include "common/base/thread_priority.h"

#include <sys/resource.h>
#include <unistd.h>

namespace vitrine {

void LowerThreadPriority(int nice) {
  // Linux gives each thread a priority of its own (setpriority(2), "C
  // library/kernel differences"). To lower it is always allowed.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice);
}

}  // namespace vitrine
