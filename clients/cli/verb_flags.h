// The flags and the help of each verb, as CLI11 knows them.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "clients/cli/flags.h"

namespace vitrine::cli {

// Each App writes into `*flags` when it parses; `flags` must outlive it.
std::unique_ptr<CLI::App> SearchApp(Flags* flags);
std::unique_ptr<CLI::App> RecommendApp(Flags* flags);
std::unique_ptr<CLI::App> EmbedApp(Flags* flags);
std::unique_ptr<CLI::App> DescribeApp(Flags* flags);
std::unique_ptr<CLI::App> ExportApp(Flags* flags);
std::unique_ptr<CLI::App> PushApp(Flags* flags);
std::unique_ptr<CLI::App> ReceiptsApp(Flags* flags);
std::unique_ptr<CLI::App> BackupApp(Flags* flags);
std::unique_ptr<CLI::App> PromoteApp(Flags* flags);
std::unique_ptr<CLI::App> RollbackApp(Flags* flags);

}  // namespace vitrine::cli
