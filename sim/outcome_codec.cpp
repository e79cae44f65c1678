// SPDX-License-Identifier: Apache-2.0
#include "sim/outcome_codec.hpp"

#include <cstring>
#include <type_traits>

#include "base/error.hpp"

namespace memwall {

namespace {

class Writer {
public:
    template <class T>
    void operator()(const T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        append(&value, sizeof value);
    }
    template <class T>
    void operator()(const std::vector<T>& values) {
        static_assert(std::is_trivially_copyable_v<T>);
        (*this)(values.size());
        append(values.data(), values.size() * sizeof(T));
    }
    [[nodiscard]] std::string take() { return std::move(bytes_); }

private:
    void append(const void* data, std::size_t size) {
        if (size > 0) {
            bytes_.append(static_cast<const char*>(data), size);
        }
    }
    std::string bytes_;
};

class Reader {
public:
    explicit Reader(const std::string& bytes) : bytes_(bytes) {}
    template <class T>
    void operator()(T& value) {
        take(&value, sizeof value);
    }
    template <class T>
    void operator()(std::vector<T>& values) {
        std::size_t count = 0;
        (*this)(count);
        ensure(count <= (bytes_.size() - at_) / sizeof(T), "an outcome arrives whole");
        values.resize(count);
        take(values.data(), count * sizeof(T));
    }
    [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }

private:
    void take(void* data, std::size_t size) {
        ensure(size <= bytes_.size() - at_, "an outcome arrives whole");
        if (size > 0) {
            std::memcpy(data, bytes_.data() + at_, size);
        }
        at_ += size;
    }
    const std::string& bytes_;
    std::size_t at_ = 0;
};

/// The one list of an outcome's members, for both directions.
template <class Visitor, class AnOutcome>
void visit(Visitor& visitor, AnOutcome& outcome) {
    visitor(outcome.counts);
    visitor(outcome.load_counts);
    visitor(outcome.layers);
    visitor(outcome.late);
    visitor(outcome.components);
    visitor(outcome.busy_by_layer);
    visitor(outcome.round_start);
    visitor(outcome.round_end);
    visitor(outcome.load_end);
    visitor(outcome.window_start);
    visitor(outcome.window_end);
    visitor(outcome.end);
    visitor(outcome.drams);
    visitor(outcome.activations);
    visitor(outcome.load_activations);
    visitor(outcome.steps);
    visitor(outcome.events);
}

}  // namespace

std::string encode(const Outcome& outcome) {
    Writer writer;
    visit(writer, outcome);
    return writer.take();
}

Outcome decode(const std::string& bytes) {
    Outcome outcome;
    Reader reader(bytes);
    visit(reader, outcome);
    ensure(reader.at_end(), "an outcome arrives whole");
    return outcome;
}

}  // namespace memwall
