// SPDX-License-Identifier: Apache-2.0
// Any bytes as a token file: a table that knows each token of the last record that had it, or a
// fault with a line; and as Secrets' RFC 3339 times.
#include "authz/identity/tokens/bootstrap.h"
#include "authz/identity/tokens/token_file.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using namespace gh::identity;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> warnings;
  const auto file = TokenFile::parse(text, "f", warnings);
  std::map<std::string, std::string> users;
  CsvReader reader(text);
  std::vector<std::string> record;
  bool good = true;
  for (;;) {
    const CsvReader::Read read = reader.next(record);
    if (read == CsvReader::Read::end) break;
    good = good && read == CsvReader::Read::record && record.size() >= 3;
    if (!good) break;
    if (!record[0].empty()) users[record[0]] = record[1];
  }
  GH_ASSERT(file.has_value() == good);
  if (!file) {
    GH_ASSERT(file.error().where.starts_with("f:"));
    return 0;
  }
  GH_ASSERT(file->size() == users.size());
  for (const auto& [token, user] : users) {
    const TokenResult result = file->judge(token);
    GH_ASSERT(result.verdict == TokenVerdict::accepted && result.who.user == user);
  }
  (void)parse_rfc3339(text);
  return 0;
}
