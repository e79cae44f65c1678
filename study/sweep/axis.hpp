// SPDX-License-Identifier: Apache-2.0
// The axes of a sweep, and the points that they span: made one by one, never all at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "study/sweep/setting.hpp"
#include "study/sweep/value_range.hpp"

namespace memwall {

/// The values of one path: a list, or a range.
struct Choices {
    std::string path;
    SourceMark where;
    std::vector<YamlValue> list;  ///< empty: the range
    ValueRange range;
    SourceMark range_mark;

    /// How many values there are to count; 0 for a range without steps.
    [[nodiscard]] std::int64_t size() const;
    [[nodiscard]] Setting at(std::int64_t entry) const;
    /// The value at a position from 0 to 1 (not included): of a list, the part that it falls in.
    [[nodiscard]] Setting drawn(double position) const;
};

/// One dimension of a sweep: a number of entries, each of which sets some paths.
class SweepAxis {
public:
    virtual ~SweepAxis() = default;
    [[nodiscard]] virtual std::int64_t size() const = 0;
    [[nodiscard]] virtual std::vector<std::string> paths() const = 0;
    virtual void add(std::int64_t entry, Settings& settings) const = 0;
};

/// The values of one path, one an entry.
class ChoiceAxis final : public SweepAxis {
public:
    explicit ChoiceAxis(Choices choices) : choices_(std::move(choices)) {}
    [[nodiscard]] std::int64_t size() const override { return choices_.size(); }
    [[nodiscard]] std::vector<std::string> paths() const override { return {choices_.path}; }
    void add(std::int64_t entry, Settings& settings) const override;

private:
    Choices choices_;
};

/// Several paths that go together: the first values of all of them, the second values, ...
class ZippedAxis final : public SweepAxis {
public:
    /// All of one size.
    explicit ZippedAxis(std::vector<Choices> choices) : choices_(std::move(choices)) {}
    [[nodiscard]] std::int64_t size() const override { return choices_.front().size(); }
    [[nodiscard]] std::vector<std::string> paths() const override;
    void add(std::int64_t entry, Settings& settings) const override;

private:
    std::vector<Choices> choices_;
};

/// Points written down one by one.
class ListedAxis final : public SweepAxis {
public:
    explicit ListedAxis(std::vector<Settings> entries) : entries_(std::move(entries)) {}
    [[nodiscard]] std::int64_t size() const override {
        return static_cast<std::int64_t>(entries_.size());
    }
    [[nodiscard]] std::vector<std::string> paths() const override;
    void add(std::int64_t entry, Settings& settings) const override;

private:
    std::vector<Settings> entries_;
};

/// The space of all points: every combination of the axes' entries, the last axis changing fastest.
class PointSpace {
public:
    void add(std::unique_ptr<SweepAxis> axis) { axes_.push_back(std::move(axis)); }
    /// 1 where there are no axes. Throws InputError beyond ten million.
    [[nodiscard]] std::int64_t size() const;
    /// The parameters of the sweep, in order.
    [[nodiscard]] std::vector<std::string> paths() const;
    /// What the axes set at a point.
    [[nodiscard]] Settings at(std::int64_t point) const;

    [[nodiscard]] std::vector<std::int64_t> sizes() const;
    /// The point with these entries of the axes.
    [[nodiscard]] std::int64_t point(const std::vector<std::int64_t>& entries) const;

private:
    std::vector<std::unique_ptr<SweepAxis>> axes_;
};

}  // namespace memwall
