// SPDX-License-Identifier: Apache-2.0
// Session ticket keys from files: what is read, which key seals, and what is refused with a reason.
#include "tls/ticket_key_files.h"

#include "base/limits.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace gh::tls {
namespace {

// 80 bytes that look random; `number` makes them another key.
std::string raw_key(unsigned number) {
  std::string out;
  unsigned state = number * 2654435761u + 1;
  while (out.size() < 80) {
    state = state * 1664525u + 1013904223u;
    out.push_back(static_cast<char>(state >> 24));
  }
  out[79] = '\0';  // never text
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<std::uint8_t>(bytes[i + j]) : 0u);
    for (int shift = 18; shift >= 0; shift -= 6) out.push_back(digits[group >> shift & 63]);
  }
  for (std::size_t i = 0; i < (3 - bytes.size() % 3) % 3; ++i) out[out.size() - 1 - i] = '=';
  return out;
}

std::string name_of_key(const TicketKeys::Key& key) { return {key.name.begin(), key.name.end()}; }

std::string name_of_key(unsigned number) { return raw_key(number).substr(0, 16); }

class TicketKeyFilesTest : public ::testing::Test {
 protected:
  TicketKeyFilesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "gatehouse-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    folder = name;
  }

  ~TicketKeyFilesTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  std::string write(const std::string& name, std::string_view text, mode_t mode = 0600) {
    const auto path = folder / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    chmod(path.c_str(), mode);
    return path.string();
  }

  static void expect_refused(const std::vector<std::string>& paths, const std::string& why) {
    const auto loaded = load_ticket_keys(paths);
    ASSERT_FALSE(loaded.has_value());
    EXPECT_NE(loaded.error().to_string().find(why), std::string::npos)
        << loaded.error().to_string();
  }

  std::filesystem::path folder;
};

TEST_F(TicketKeyFilesTest, raw_key_of_80_bytes_is_name_cipher_and_mac) {
  const auto loaded = load_ticket_keys({write("key", raw_key(1))});
  ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
  const auto& key = loaded->keys->current();
  const std::string back = std::string(key.name.begin(), key.name.end()) +
                           std::string(key.cipher.begin(), key.cipher.end()) +
                           std::string(key.mac.begin(), key.mac.end());
  EXPECT_EQ(back, raw_key(1));
  EXPECT_EQ(loaded->warnings.size(), 0u);
}

TEST_F(TicketKeyFilesTest, lines_of_base64_are_keys_and_the_first_seals) {
  const auto path = write("keys", base64(raw_key(1)) + "\n\n" + base64(raw_key(2)) + "\r\n");
  const auto loaded = load_ticket_keys({path});
  ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
  EXPECT_EQ(loaded->keys->size(), 2u);
  EXPECT_EQ(name_of_key(loaded->keys->current()), name_of_key(1));
}

TEST_F(TicketKeyFilesTest, first_file_seals_and_all_open) {
  const auto loaded =
      load_ticket_keys({write("b", raw_key(2)), write("a", raw_key(1)), write("c", raw_key(3))});
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(name_of_key(loaded->keys->current()), name_of_key(2));
  EXPECT_EQ(loaded->keys->size(), 3u);
}

TEST_F(TicketKeyFilesTest, last_but_one_of_a_folder_seals) {
  write("keys/1", raw_key(1));
  const auto sealing = [&] {
    const auto loaded = load_ticket_keys({(folder / "keys").string()});
    return loaded ? name_of_key(loaded->keys->current()) : loaded.error().to_string();
  };
  EXPECT_EQ(sealing(), name_of_key(1));
  write("keys/2", raw_key(2));
  EXPECT_EQ(sealing(), name_of_key(1));  // 2 is accepted first…
  write("keys/3", raw_key(3));
  EXPECT_EQ(sealing(), name_of_key(2));  // …and seals once its successor is there
  std::filesystem::remove(folder / "keys/1");
  EXPECT_EQ(sealing(), name_of_key(2));
}

TEST_F(TicketKeyFilesTest, mount_of_a_secret_is_read_through_its_links) {
  write("mount/..2026/key", raw_key(1));
  std::filesystem::create_symlink("..2026", folder / "mount/..data");
  std::filesystem::create_symlink("..data/key", folder / "mount/key");
  const auto loaded = load_ticket_keys({(folder / "mount").string()});
  ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
  EXPECT_EQ(loaded->keys->size(), 1u);
}

TEST_F(TicketKeyFilesTest, key_named_twice_is_one) {
  const auto loaded = load_ticket_keys({write("a", raw_key(1)), write("b", base64(raw_key(1)))});
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->keys->size(), 1u);
}

TEST_F(TicketKeyFilesTest, file_that_others_may_read_is_warned_of) {
  EXPECT_EQ(load_ticket_keys({write("a", raw_key(1), 0644)})->warnings.size(), 1u);
  EXPECT_EQ(load_ticket_keys({write("b", raw_key(1), 0640)})->warnings.size(), 0u);
}

TEST_F(TicketKeyFilesTest, what_is_no_key_is_refused_with_a_reason) {
  expect_refused({(folder / "absent").string()}, "cannot be opened");
  expect_refused({write("empty", "")}, "empty");
  expect_refused({write("blank", "\n\n")}, "no key in it");
  expect_refused({write("aes128", raw_key(1).substr(32))}, "48 bytes is for AES-128");
  expect_refused({write("aes128.b64", base64(raw_key(1).substr(32)))}, "48 bytes is for AES-128");
  expect_refused({write("short", raw_key(1).substr(1))}, "a key of 79 bytes");
  expect_refused({write("long", raw_key(1) + '\n')}, "a key of 81 bytes");
  expect_refused({write("short.b64", base64(raw_key(1).substr(1)))}, "a key of 79 bytes");
  const std::string wrapped = base64(raw_key(1));
  expect_refused(
      {write("wrapped", wrapped.substr(0, 64) + "\n" + wrapped.substr(64))}, "goes on in the next"
  );
  expect_refused({write("text", std::string(80, 'k'))}, "a key of 60 bytes");
  expect_refused({write("pem", "-----BEGIN PRIVATE KEY-----\n")}, "neither");
  std::string loose = wrapped;
  loose[loose.size() - 2] = static_cast<char>(loose[loose.size() - 2] + 1);  // unused bits set
  expect_refused({write("loose", loose)}, "neither");
  expect_refused({write("zero", std::string(80, '\0'))}, "not random");
  expect_refused(
      {write("large", std::string(limits::ticket_key_file_bytes_max + 1, 'A'))}, "large"
  );
  std::filesystem::create_directories(folder / "none");
  expect_refused({(folder / "none").string()}, "no key file in the folder");
  expect_refused({"/dev/zero"}, "is not a file");
}

TEST_F(TicketKeyFilesTest, line_at_fault_is_named) {
  expect_refused({write("keys", base64(raw_key(1)) + "\nrubbish!\n")}, "keys:2");
}

TEST_F(TicketKeyFilesTest, two_keys_of_one_name_are_refused) {
  std::string twin = raw_key(1);
  twin[20] = static_cast<char>(twin[20] ^ 1);
  expect_refused({write("a", raw_key(1)), write("b", twin)}, "has the name");
}

TEST_F(TicketKeyFilesTest, more_keys_than_the_bound_are_refused) {
  for (unsigned i = 0; i <= limits::ticket_keys_max; ++i)
    write("keys/" + std::to_string(100 + i), raw_key(i));
  expect_refused({(folder / "keys").string()}, "more than 16 session ticket keys");
}

}  // namespace
}  // namespace gh::tls
