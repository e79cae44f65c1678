// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/store.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "study/sweep/metrics.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

Record record_of(std::int64_t point, const std::string& totals = "1,2") {
    Record record;
    record.point = point;
    record.key = "k" + std::to_string(point);
    record.totals = totals;
    return record;
}

std::vector<std::int64_t> points_in(const std::filesystem::path& folder) {
    std::vector<std::int64_t> points;
    ShardReader(folder).scan([&](const ShardHead&, Record&& record, const RecordPlace&) {
        points.push_back(record.point);
    });
    return points;
}

}  // namespace

TEST_CASE("a record comes back from its line as it was, whatever its reason says") {
    Record record = record_of(7, "\"a,b\",3,");
    record.status = PointStatus::failed;
    record.cause = FailureCause::timeout;
    record.reason = "over, \"quoted\", 3,4";
    std::string line = record_line(record);
    line.pop_back();
    const auto back = read_record(line);
    REQUIRE(back);
    CHECK(back->point == 7);
    CHECK(back->key == "k7");
    CHECK(back->status == PointStatus::failed);
    CHECK(back->cause == FailureCause::timeout);
    CHECK(back->reason == record.reason);
    CHECK(back->totals == record.totals);
}

TEST_CASE("a line that lost or changed any byte is no record") {
    std::string line = record_line(record_of(12));
    line.pop_back();
    for (std::size_t end = 0; end < line.size(); ++end) {
        CHECK_FALSE(read_record(line.substr(0, end)));
    }
    for (std::size_t at = 0; at < line.size(); ++at) {
        std::string changed = line;
        changed[at] = changed[at] == '0' ? '1' : '0';
        if (changed != line) {
            CHECK_FALSE(read_record(changed));
        }
    }
}

TEST_CASE("a shard that was cut at any byte gives all records before the cut") {
    const TemporaryFolder folder;
    {
        ShardWriter writer(folder.path(), {"plan", "first"});
        for (int point = 0; point < 4; ++point) {
            writer.append(record_of(point));
        }
    }
    const auto path = folder.path() / "000000.shard";
    const std::string whole = read_text(path);
    std::vector<std::size_t> ends;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        if (whole[at] == '\n') {
            ends.push_back(at);  // a line is whole without its end
        }
    }
    REQUIRE(ends.size() == 5);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        write_text(path, whole.substr(0, size));
        std::size_t expected = 0;
        for (std::size_t line = 1; line < ends.size(); ++line) {
            expected += size >= ends[line] ? 1U : 0U;
        }
        CHECK(points_in(folder.path()).size() == expected);
    }
}

TEST_CASE("every writer has a shard of its own, read in the order of their names") {
    const TemporaryFolder folder;
    ShardWriter first(folder.path(), {"plan", "first"});
    ShardWriter second(folder.path(), {"plan", "first"});
    second.append(record_of(1));
    first.append(record_of(2));
    CHECK(points_in(folder.path()) == std::vector<std::int64_t>{2, 1});
}

TEST_CASE("of a point's records one that is done wins, else a final one, else the latest") {
    PointIndex index(1);
    Record killed = record_of(0);
    killed.status = PointStatus::failed;
    killed.cause = FailureCause::killed;
    Record wrong = killed;
    wrong.cause = FailureCause::input;
    CHECK_FALSE(index.has(0));
    index.add(killed, {0, 10, 5});
    CHECK(index.has(0));
    CHECK_FALSE(index.is_final(0));
    index.add(wrong, {0, 20, 5});
    CHECK(index.is_final(0));
    index.add(killed, {0, 30, 5});
    CHECK(index.place(0).offset == 20);
    index.add(record_of(0), {0, 40, 5});
    CHECK(index.status(0) == PointStatus::done);
    index.add(wrong, {0, 50, 5});
    CHECK(index.place(0).offset == 40);
}

TEST_CASE("every metric has a column of its own name") {
    std::set<std::string> names;
    for (const std::string& name : total_names()) {
        CHECK(names.insert(name).second);
        CHECK(find_total(name)->name == name);
    }
    CHECK(names.count("area_mm2") + names.count("energy_per_item_j") + names.count("latency_s") ==
          3);
}

TEST_CASE("lines that were changed are told by file and number, one that was cut short is not") {
    const TemporaryFolder folder;
    {
        ShardWriter writer(folder.path(), {"plan", "first"});
        for (std::int64_t point = 0; point < 3; ++point) {
            writer.append(record_of(point));
        }
    }
    const auto shard = folder.path() / "000000.shard";
    const std::string whole = read_text(shard);
    write_text(shard, whole + "0123abcd 3,k3,do");
    CHECK(ShardReader(folder.path()).damage().empty());
    std::string changed = whole;
    changed[whole.find(",k1,") + 2] = '7';
    write_text(shard, changed);
    CHECK(
        ShardReader(folder.path()).damage() ==
        std::vector<std::string>{shard.string() + ":3: damaged: its point is not known any more"});
    changed[0] = 'z';
    write_text(shard, changed);
    CHECK(ShardReader(folder.path()).damage().size() == 2);
}
