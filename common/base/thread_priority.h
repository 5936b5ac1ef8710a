// How much of the processor a thread may claim.
#pragma once

namespace vitrine {

// Lets other threads go before the calling one: 10 for what should be done
// soon, 19 for what may wait for an idle processor.
void LowerThreadPriority(int nice);

}  // namespace vitrine
