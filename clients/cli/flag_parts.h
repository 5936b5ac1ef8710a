// What the flags of several verbs share.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "clients/cli/flags.h"

namespace vitrine::cli {

// A verb without flags yet; `examples` stand at the end of its help.
std::unique_ptr<CLI::App> NewApp(const char* name, const char* description,
                                 const char* examples);

// --help, to be added as the last of a verb.
void AddHelp(CLI::App* app, const char* group);
// --tls-ca and its like, of the server that another option names.
void AddSecurity(CLI::App* app, const char* group, Flags* flags);
// --server, --timeout-ms and those, and --help.
void AddConnection(CLI::App* app, Flags* flags);
// --progress.
void AddProgress(CLI::App* app, Flags* flags);

}  // namespace vitrine::cli
