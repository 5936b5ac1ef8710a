// How to reach a server: in the clear or not, as whom.
#pragma once

#include <filesystem>
#include <string>

namespace vitrine {

// All empty: in the clear, as nobody.
struct ChannelSecurity {
  // The CAs of which one has signed the server's certificate, a PEM file;
  // "system" for those that the system trusts. Empty speaks in the clear.
  std::string ca = {};
  // What the caller shows, PEM files; both or none.
  std::filesystem::path certificate = {};
  std::filesystem::path key = {};
  // Whose first line is the bearer token to send.
  std::filesystem::path token_file = {};
  // Whether the token may go to another machine in the clear.
  bool insecure = false;
  // What errors name as the flag for `ca`, and for `insecure` where the program
  // has one.
  std::string ca_flag = "--tls-ca";
  std::string insecure_flag = "--insecure";
};

}  // namespace vitrine
