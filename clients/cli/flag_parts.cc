#include "clients/cli/flag_parts.h"

namespace vitrine::cli {
namespace {

constexpr int kDescriptionColumn = 32;
constexpr size_t kDescriptionWidth = 48;

// Shows `--image=PATH ...` where CLI11 would print `--image TEXT ...`, and
// wraps.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(kDescriptionColumn); }

  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = "\nUsage: " + name + " [--flag=value ...]";
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional()) usage += " " + option->get_name(true);
    }
    return usage + "\n";
  }
  // CLI11 leaves two empty lines between groups.
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    return CLI::detail::find_and_replace(
        CLI::Formatter::make_help(app, name, mode), "\n\n\n", "\n\n");
  }
  std::string make_option_name(const CLI::Option* option,
                               bool positional) const override {
    std::string name = CLI::Formatter::make_option_name(option, positional);
    return name.substr(0, name.find('{'));  // Without "{false}".
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_option_text();
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    std::string wrapped;
    size_t width = 0;
    for (const std::string& word :
         CLI::detail::split(option->get_description(), ' ')) {
      if (width > 0) {
        bool wrap = width + 1 + word.size() > kDescriptionWidth;
        wrapped += wrap ? '\n' : ' ';
        width = wrap ? 0 : width + 1;
      }
      wrapped += word;
      width += word.size();
    }
    return wrapped;
  }
};

}  // namespace

std::unique_ptr<CLI::App> NewApp(const char* name, const char* description,
                                 const char* examples) {
  auto app =
      std::make_unique<CLI::App>(description, std::string("vitrine ") + name);
  app->formatter(std::make_shared<HelpFormatter>());
  app->set_help_flag();  // AddHelp adds one, as the last.
  app->footer(examples);
  return app;
}

void AddHelp(CLI::App* app, const char* group) {
  app->set_help_flag("--help", "Show this help")->group(group);
}

void AddSecurity(CLI::App* app, const char* group, Flags* flags) {
  app->add_option("--tls-ca", flags->security.ca,
                  "Encrypt, and take the server's certificate where one of "
                  "this PEM file has signed it, or `system` for those that "
                  "the system trusts; VITRINE_TLS_CA")
      ->option_text("=FILE")
      ->envname("VITRINE_TLS_CA")
      ->group(group);
  app->add_option("--tls-cert", flags->security.certificate,
                  "Show this certificate, a PEM file, to a server that asks "
                  "for one; VITRINE_TLS_CERT")
      ->option_text("=FILE")
      ->envname("VITRINE_TLS_CERT")
      ->group(group);
  app->add_option("--tls-key", flags->security.key,
                  "The private key of that; VITRINE_TLS_KEY")
      ->option_text("=FILE")
      ->envname("VITRINE_TLS_KEY")
      ->group(group);
  app->add_option("--token-file", flags->security.token_file,
                  "A file whose first line is the token that the server "
                  "wants; VITRINE_TOKEN_FILE")
      ->option_text("=FILE")
      ->envname("VITRINE_TOKEN_FILE")
      ->group(group);
  app->add_flag("--insecure", flags->security.insecure,
                "Send the token in the clear to another machine")
      ->group(group);
}

void AddConnection(CLI::App* app, Flags* flags) {
  app->add_option("--server", flags->server,
                  "Where the server listens; VITRINE_SERVER in the "
                  "environment, else 127.0.0.1:50051")
      ->option_text("=HOST:PORT")
      ->envname("VITRINE_SERVER")
      ->group("Connection");
  AddSecurity(app, "Connection", flags);
  app->add_option("--timeout-ms", flags->timeout_ms,
                  "Give up on an answer after so long (30000)")
      ->option_text("=MS")
      ->check(CLI::Range(1, 7 * 24 * 3'600'000))  // A week.
      ->group("Connection");
  AddHelp(app, "Connection");
}

void AddProgress(CLI::App* app, Flags* flags) {
  app->add_flag("--progress", flags->progress,
                "Show progress on standard error even where it is no terminal")
      ->group("Output");
}

}  // namespace vitrine::cli
