// What became of each picture: lists, counts and a page to send on.
#pragma once

#include "clients/cli/connection.h"
#include "clients/cli/verbs.h"

namespace vitrine::cli {

int Receipts(Connection& connection, const Flags& flags,
             const Environment& environment);

}  // namespace vitrine::cli
