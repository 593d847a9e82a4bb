// SPDX-License-Identifier: Apache-2.0
// Protobuf as the API server's generated code reads it, and what is refused because readers differ.
#include "authz/admission/protobuf.h"

#include "base/limits.h"
#include "tests/admission/wire.h"

#include <gtest/gtest.h>

namespace gh::authz::admission {
namespace {

using wire::bytes;

Result<Members, std::string> read_pod(const std::string& message) {
  return read_protobuf(message, schema_of("Pod"));
}

std::string node_of(const Result<Members, std::string>& pod) {
  const Members* const spec = pod ? object_at(*pod, "spec") : nullptr;
  return spec == nullptr ? "" : std::string(text_at(*spec, "nodeName"));
}

TEST(AdmissionProtobuf, the_last_value_of_a_field_counts_and_messages_are_merged) {
  EXPECT_EQ(node_of(read_pod(bytes(2, bytes(10, "n1") + bytes(10, "n2")))), "n2");
  EXPECT_EQ(node_of(read_pod(bytes(2, bytes(10, "n1")) + bytes(2, bytes(10, "n2")))), "n2");
  EXPECT_EQ(node_of(read_pod(bytes(2, bytes(10, "n1")) + bytes(2, bytes(8, "sa")))), "n1");
  EXPECT_EQ(node_of(read_pod(bytes(2, bytes(10, "n1") + bytes(10, "")))), "");
}

TEST(AdmissionProtobuf, unknown_fields_are_passed_over) {
  const std::string unknown = bytes(999, "x") + wire::number(998, 5) + wire::varint(997 << 3 | 1) +
                              std::string(8, 'x') + wire::varint(996 << 3 | 5) +
                              std::string(4, 'x');
  EXPECT_EQ(node_of(read_pod(unknown + bytes(2, unknown + bytes(10, "n1")))), "n1");
}

TEST(AdmissionProtobuf, tags_that_readers_take_differently_are_refused) {
  // Field 10 plus 2^32 in the tag: some readers cut it to 32 bits and see nodeName.
  const std::string wide = wire::varint((1ULL << 32) + (10 << 3 | 2)) + std::string("\x02n1");
  EXPECT_FALSE(read_pod(bytes(2, wide)));
  EXPECT_FALSE(read_pod(bytes(2, wire::varint(99 << 3 | 3) + wire::varint(99 << 3 | 4))));
  EXPECT_FALSE(read_pod(bytes(2, wire::varint(0 << 3 | 2) + std::string(1, '\0'))));
  EXPECT_FALSE(read_pod(bytes(2, wire::varint(99 << 3 | 7))));
}

TEST(AdmissionProtobuf, what_is_cut_short_or_of_the_wrong_wire_type_is_refused) {
  EXPECT_FALSE(read_pod(std::string("\x12\x05\x52", 3)));
  EXPECT_FALSE(read_pod(std::string("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11)));
  EXPECT_FALSE(read_pod(std::string("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12)));
  EXPECT_FALSE(read_pod(std::string("\x80", 1)));
  EXPECT_FALSE(read_pod(wire::number(2, 5)));
  EXPECT_FALSE(read_pod(bytes(2, wire::number(10, 5))));
  EXPECT_FALSE(read_pod(bytes(1, bytes(11, wire::number(1, 5)))));
}

TEST(AdmissionProtobuf, volumes_and_ephemeral_containers_stand_one_message_deeper_than_in_json) {
  const std::string volume = bytes(1, "v") + bytes(2, bytes(6, bytes(1, "s")));
  const std::string common = bytes(19, bytes(3, bytes(1, bytes(1, "secret"))));
  const auto pod = read_pod(bytes(2, bytes(1, volume) + bytes(34, bytes(1, common))));
  ASSERT_TRUE(pod);
  EXPECT_EQ(
      to_json(Value{*pod}),
      R"({"spec":{"ephemeralContainers":[{"envFrom":[{"secretRef":{"name":"secret"}}]}],)"
      R"("volumes":[{"name":"v","secret":{"secretName":"s"}}]}})"
  );
}

TEST(AdmissionProtobuf, a_map_entry_may_lack_key_or_value_and_the_last_one_counts) {
  const std::string labels = bytes(11, bytes(1, "a") + bytes(2, "1")) + bytes(11, bytes(1, "a")) +
                             bytes(11, bytes(2, "x")) + bytes(11, "");
  const auto pod = read_pod(bytes(1, labels));
  ASSERT_TRUE(pod);
  EXPECT_EQ(to_json(Value{*pod}), R"({"metadata":{"labels":{"":"","a":""}}})");
}

TEST(AdmissionProtobuf, a_pointer_to_nothing_is_there) {
  const auto node = read_protobuf(bytes(2, bytes(6, "")), schema_of("Node"));
  ASSERT_TRUE(node);
  EXPECT_EQ(to_json(Value{*node}), R"({"spec":{"configSource":{}}})");
}

TEST(AdmissionProtobuf, numbers_times_and_quantities_are_as_in_json) {
  const std::string seconds = wire::number(1, 1704067200) + wire::number(2, 5);
  const std::string metadata = wire::number(7, 3) + bytes(8, seconds) + bytes(9, "");
  const std::string requests = bytes(2, bytes(1, "storage") + bytes(2, bytes(1, "1Gi")));
  const auto claim = read_protobuf(
      bytes(1, metadata) + bytes(2, bytes(2, requests)), schema_of("PersistentVolumeClaim")
  );
  ASSERT_TRUE(claim);
  const auto json = parse_json(
      R"({"metadata":{"generation":3,"creationTimestamp":"2024-01-01T01:00:00+01:00",
          "deletionTimestamp":"0001-01-01T00:00:00Z"},
          "spec":{"resources":{"requests":{"storage":"1024Mi"}}}})"
  );
  ASSERT_TRUE(json);
  const auto expected = canonical(*json->members(), schema_of("PersistentVolumeClaim"));
  ASSERT_TRUE(expected);
  EXPECT_EQ(*claim, *expected);
}

TEST(AdmissionProtobuf, the_envelope_is_kubernetes) {
  EXPECT_FALSE(open_envelope(""));
  EXPECT_FALSE(open_envelope("k8s"));
  EXPECT_FALSE(open_envelope(std::string("k8s\0", 4)));
  EXPECT_FALSE(open_envelope("{}"));
  const std::string body = wire::envelope("v1", "Pod", bytes(2, bytes(10, "n1")));
  const auto envelope = open_envelope(body);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->api_version, "v1");
  EXPECT_EQ(envelope->kind, "Pod");
  EXPECT_EQ(node_of(read_pod(std::string(envelope->raw))), "n1");
}

TEST(AdmissionProtobuf, a_resource_version_can_be_written_into_it) {
  const std::string metadata = bytes(1, "p") + bytes(11, bytes(1, "a") + bytes(2, "b"));
  const std::string body = wire::envelope("v1", "Pod", bytes(1, metadata));
  const auto envelope = open_envelope(body);
  ASSERT_TRUE(envelope);
  const std::string pinned = with_resource_version(*envelope, "77");
  const auto again = open_envelope(pinned);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->kind, "Pod");
  EXPECT_EQ(
      to_json(Value{*read_pod(std::string(again->raw))}),
      R"({"metadata":{"labels":{"a":"b"},"name":"p","resourceVersion":"77"}})"
  );
}

TEST(AdmissionProtobuf, depth_and_number_of_values_are_bounded) {
  std::string many;
  const std::string taint = bytes(5, bytes(1, "k"));
  while (many.size() < (limits::admission_values_max + 1) * taint.size()) many += taint;
  EXPECT_FALSE(read_protobuf(bytes(2, many), schema_of("Node")));
}

}  // namespace
}  // namespace gh::authz::admission
