// SPDX-License-Identifier: Apache-2.0
#include "control/command_line.h"

#include "control/help.h"
#include "control/options.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gh::control {
namespace {

Result<CommandLine, std::string> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "gatehouse");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

std::vector<std::string> values_of(const CommandLine& line, std::string_view name) {
  std::vector<std::string> values;
  for (const Setting& setting : line.settings) {
    if (setting.name != name) continue;
    for (const SettingValue& value : setting.values) values.push_back(value.text);
  }
  return values;
}

using Texts = std::vector<std::string>;

TEST(CommandLine, flags_become_settings) {
  const auto line = parse(
      {"serve",
       "--listen",
       "a:1",
       "--listen=[::1]:2",
       "-v",
       "2",
       "--access-log",
       "-",
       "--pin-workers=false",
       "--allow-plaintext-upstream",
       "--policy",
       "p",
       "--workers=1"}
  );
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(line->command, Command::serve);
  EXPECT_EQ(values_of(*line, "listen"), (Texts{"a:1", "[::1]:2"}));
  EXPECT_EQ(values_of(*line, "v"), Texts{"2"});
  EXPECT_EQ(values_of(*line, "access-log"), Texts{"-"});
  EXPECT_EQ(values_of(*line, "pin-workers"), Texts{"false"});
  EXPECT_EQ(values_of(*line, "allow-plaintext-upstream"), Texts{"true"});
}

TEST(CommandLine, of_a_single_value_the_last_one_counts) {
  const auto line =
      parse({"check", "--workers", "1", "--workers", "2", "--pin-workers", "--pin-workers=false"});
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(values_of(*line, "workers"), Texts{"2"});
  EXPECT_EQ(values_of(*line, "pin-workers"), Texts{"false"});
}

TEST(CommandLine, values_with_brackets_commas_and_percent_signs_stay_whole) {
  const auto line = parse(
      {"serve", "--policy", "[a,b]", "--policy", "%d{x}", "--tls-sni-cert-key", "c,k:n,m", "--v=3"}
  );
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(values_of(*line, "policy"), (Texts{"[a,b]", "%d{x}"}));
  EXPECT_EQ(values_of(*line, "tls-sni-cert-key"), Texts{"c,k:n,m"});
  EXPECT_EQ(values_of(*line, "v"), Texts{"3"});
}

TEST(CommandLine, mistakes_are_told_with_a_suggestion) {
  const std::pair<std::vector<const char*>, const char*> cases[] = {
      {{"serv"}, "unknown command \"serv\", did you mean \"serve\"?"},
      {{"serve", "--tls-certfile", "x"},
       "unknown flag --tls-certfile, did you mean \"--tls-cert-file\"?"},
      {{"serve", "--upstreams=x"}, "unknown flag --upstreams, did you mean \"--upstream\"?"},
      {{"serve", "word"}, "unexpected argument \"word\""},
      {{"serve", "--listen"}, "--listen"},
      {{"--workers", "1"}, "unknown flag --workers"},
      {{"explain"}, "--policy is needed"},
      {{"explain", "--policy", "p"}, "--user is needed"},
      {{"explain", "--policy", "p", "--user", "u"}, "--verb is needed"},
      {{"explain", "--policy", "p", "--user", "u", "--verb", "get"},
       "one of --resource and --path is needed"},
      {{"explain", "--policy", "p", "--user", "u", "--verb", "get", "--path", "/x", "-n", "a"},
       "belong to --resource"},
      {{"verify", "--chain", "x", "--time", "1"}, "--ca is needed"},
      {{"verify", "--ca", "x", "--chain", "x", "--time", "soon"}, "--time"},
      {{"verify", "--ca", "x", "--chain", "x", "--time", "1", "--purpose", "both"}, "--purpose"},
      {{"conformance", "rbac"}, "KIND and FILE are needed"},
      {{"help", "chek"}, "did you mean \"check\"?"},
  };
  for (const auto& [words, text] : cases) {
    const auto line = parse(words);
    ASSERT_FALSE(line) << text;
    EXPECT_NE(line.error().find(text), std::string::npos) << line.error();
  }
}

TEST(CommandLine, explain_takes_kubectls_words) {
  const auto line =
      parse({"explain", "--policy", "a",       "--policy",   "b",
             "--user",  "u",        "--group", "g",          "--group",
             "h",       "--verb",   "get",     "--resource", "pods/log",
             "-n",      "ns",       "--name",  "p",          "--no-authenticated-group"});
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(line->explain.policy, (Texts{"a", "b"}));
  EXPECT_EQ(line->explain.groups, (Texts{"g", "h"}));
  EXPECT_EQ(line->explain.resource, "pods/log");
  EXPECT_FALSE(line->explain.path.has_value());
  EXPECT_EQ(line->explain.name_space, "ns");
  EXPECT_FALSE(line->explain.add_authenticated);
}

TEST(CommandLine, verify_and_conformance_have_their_arguments) {
  const auto verify =
      parse({"verify", "--ca", "a", "--chain", "c", "--time", "1700000000", "--name", "DNS:x"});
  ASSERT_TRUE(verify) << verify.error();
  EXPECT_EQ(verify->verify.time, 1700000000);
  EXPECT_EQ(verify->verify.purpose, "client");
  const auto conformance = parse({"conformance", "rbac", "file"});
  ASSERT_TRUE(conformance) << conformance.error();
  EXPECT_EQ(conformance->conformance_kind, "rbac");
}

TEST(CommandLine, help_is_found_everywhere) {
  for (const auto& words : std::vector<std::vector<const char*>>{
           {"--help"}, {"-h"}, {"help"}, {"serve", "--help"}, {"verify", "-h"}
       }) {
    const auto line = parse(words);
    ASSERT_TRUE(line) << line.error();
    EXPECT_EQ(line->command, Command::help);
  }
  EXPECT_EQ(parse({"serve", "--help"})->help_topic, "serve");
  EXPECT_EQ(parse({"--version"})->command, Command::version);
}

TEST(Help, names_every_option_and_fits_a_terminal) {
  for (const CommandHelp& command : commands()) {
    const std::string text = help_text(command.name);
    EXPECT_NE(text.find("Usage: gatehouse " + std::string(command.name)), std::string::npos);
  }
  const std::string serve = help_text("serve");
  for (const Option& option : options()) {
    EXPECT_NE(serve.find("--" + std::string(option.name)), std::string::npos) << option.name;
    EXPECT_NE(man_page().find(option.name.substr(0, option.name.find('-'))), std::string::npos);
    EXPECT_NE(bash_completion().find("--" + std::string(option.name)), std::string::npos);
  }
  for (std::size_t begin = 0; begin < serve.size();) {
    const std::size_t end = serve.find('\n', begin);
    EXPECT_LE(end - begin, 100u) << serve.substr(begin, end - begin);
    begin = end + 1;
  }
}

}  // namespace
}  // namespace gh::control
