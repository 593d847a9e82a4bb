// SPDX-License-Identifier: Apache-2.0
// Static tokens from a CSV file: token,user,uid[,"group1,group2"], as Kubernetes' tokenfile with
// Go's encoding/csv. In: the text.   Out: a table that knows tokens by their HMAC only; or what is
// wrong, with file and line. Owner: a TokenAuthenticators snapshot; immutable.
#pragma once

#include "authz/identity/tokens/token_result.h"
#include "base/result.h"
#include "tls/signature.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gh::identity {

class TokenFile {
 public:
  static Outcome<TokenFile> parse(
      std::string_view csv, const std::string& file, std::vector<std::string>& warnings
  );

  TokenResult judge(std::string_view token) const;

  std::size_t size() const { return users_.size(); }

 private:
  tls::Digest256 key_{};
  std::map<tls::Digest256, Identity> users_;  // by HMAC of the token
};

// Go's csv.Reader with FieldsPerRecord -1, record by record.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : rest_(text) {}

  enum class Read : std::uint8_t { record, end, bare_quote, bad_quote };
  Read next(std::vector<std::string>& record);

  std::size_t line() const { return line_; }  // of the last one's first line; of a fault: its own

 private:
  bool read_line();
  Read quoted_field(std::vector<std::string>& record, bool& last);

  std::string_view rest_;
  std::string line_text_;  // its end is one '\n', or none at the end of the text
  std::string_view at_;    // what of it is not read
  std::size_t lines_ = 0;
  std::size_t line_ = 0;
};

}  // namespace gh::identity
