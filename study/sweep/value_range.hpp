// SPDX-License-Identifier: Apache-2.0
// A range of a sweep: numbers or quantities from one value to another, in equal steps or in equal
// ratios.
#pragma once

#include <optional>
#include <string>

#include "base/yaml.hpp"

namespace memwall {

/// `{from: 256 KiB, to: 64 MiB, steps: 9, scale: log, round: 32 KiB}`. Bytes, cycles, frequencies
/// and bare whole numbers come out whole; anything else in six significant digits, in the unit of
/// `from`.
class ValueRange {
public:
    /// Faults go to `faults`; the range makes no sense if there are any. `steps` is required unless
    /// `continuous`, where values are drawn.
    static ValueRange read(const YamlValue& value, const std::string& what, bool continuous,
                           Diagnostics& faults);

    /// 0 where none was given.
    [[nodiscard]] std::int64_t steps() const { return steps_; }
    /// The value at `position`, from 0 (`from`) to 1 (`to`), as text.
    [[nodiscard]] std::string at(double position) const;
    /// The same of a position that is drawn: where values are multiples of something (whole
    /// numbers, of one), each of them is as likely, the ends too.
    [[nodiscard]] std::string drawn(double position) const;
    /// The value of a step.
    [[nodiscard]] std::string step(std::int64_t step) const;

private:
    enum class Form { whole, bytes, hertz, real };

    [[nodiscard]] std::string text_of(double value) const;

    Form form_ = Form::real;
    std::string unit_;      ///< "" for bare numbers
    double unit_size_ = 1;  ///< of `unit_`, in the base unit that the ends are in
    double from_ = 0, to_ = 1;
    std::optional<double> multiple_;
    bool log_ = false;
    std::int64_t steps_ = 0;
};

}  // namespace memwall
