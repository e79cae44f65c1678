// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/sweep_run.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <set>

#include "base/csv.hpp"
#include "base/file.hpp"
#include "base/sha256.hpp"
#include "base/yaml_writer.hpp"
#include "study/progress.hpp"
#include "study/sweep/check_points.hpp"
#include "study/sweep/collect.hpp"
#include "study/sweep/metrics.hpp"
#include "study/sweep/nsga2.hpp"
#include "study/sweep/point_runner.hpp"
#include "study/sweep/sweep_progress.hpp"
#include "study/version.hpp"

namespace memwall {

namespace fs = std::filesystem;

namespace {

constexpr Bytes kLargestSweepFile{64 * 1024 * 1024};
constexpr const char* kFirstPass = "first";
/// Another one where the same file makes other points: they would be taken for those of before.
constexpr const char* kPointsVersion = "points 2";

/// Everything that decides what the points are and what comes out of them.
std::string plan_of(const LoadedSweep& loaded, const InputFiles& files) {
    std::string text = std::string(kVersion) + "\n" + kModelVersion + "\n" + kPointsVersion + "\n" +
                       yaml_flow(loaded.sweep.tree) + "\n";
    for (const std::string& set : loaded.manifest.base) {
        text += set + "\n";
    }
    for (const InputFile& file : files.list()) {
        text += file.path + " " + file.sha256 + "\n";
    }
    return sha256_of_text(text);
}

std::string then_pass(Engine engine) {
    return std::string("then-") + name(engine);
}

/// The points of the second pass, from the first one's fronts; ascending.
std::vector<std::int64_t> best_points(const LoadedSweep& loaded, const fs::path& folder) {
    const SweepTable first(loaded.sweep, shards_of(folder), loaded.manifest.plan, {{kFirstPass}});
    std::vector<std::int64_t> best = first.ranked();
    best.resize(std::min(best.size(), static_cast<std::size_t>(loaded.manifest.top)));
    std::sort(best.begin(), best.end());
    return best;
}

/// What is known of the points of one pass, and where more of it is kept.
class PassRun {
public:
    PassRun(const LoadedSweep& loaded, const Configs& configs, const SweepOptions& options,
            std::string pass, std::optional<Engine> engine)
        : loaded_(loaded),
          configs_(configs),
          options_(options),
          head_{loaded.manifest.plan, std::move(pass)},
          engine_(engine),
          reader_(shards_of(options.out)),
          index_(loaded.sweep.space.size()) {
        reader_.scan([&](const ShardHead& head, Record&& record, const RecordPlace& place) {
            if (head == head_) {
                index_.add(record, place);
            }
        });
    }

    /// Takes what other plans or other folders know of points that are missing here; `seen` gets
    /// each. `keys` are those of all points, or empty: then they are made here, for `points`.
    void adopt(const std::vector<std::int64_t>& points, const std::vector<std::string>& keys,
               const std::function<void(const Record&)>& seen) {
        PointRunner runner(loaded_.sweep, configs_);
        for (const std::int64_t point : points) {
            if (is_final(point)) {
                continue;
            }
            find_others();
            if (others_->known.empty()) {
                return;
            }
            const auto found =
                others_->known.find(keys.empty() ? runner.instantiate(point, engine_).key
                                                 : keys.at(static_cast<std::size_t>(point)));
            if (found != others_->known.end()) {
                Record record = others_->readers[found->second.first]->read(found->second.second);
                record.point = point;
                keep(record);
                seen(record);
            }
        }
    }

    /// Frees what adopt() looked through; it can be asked again.
    void forget_others() { others_.reset(); }

    [[nodiscard]] bool is_final(std::int64_t point) const {
        return index_.is_final(point) || fresh_final_.count(point) > 0;
    }

    /// Runs those of `points` that are missing; `seen` gets every record of them, new or old.
    void run(const std::vector<std::int64_t>& points, SweepProgress& progress,
             const std::function<void(const Record&)>& seen) {
        auto next = points.begin();
        const auto source = [&]() -> std::optional<std::int64_t> {
            while (next != points.end() && is_final(*next)) {
                ++next;
            }
            return next == points.end() ? std::nullopt : std::optional(*next++);
        };
        PointRunner runner(loaded_.sweep, configs_);
        warm_up(runner, points);
        PoolOptions pool = options_.pool;
        pool.idle = [&] { progress.show(); };
        run_points(
            source, [&](std::int64_t point) { return runner.run(point, engine_); },
            [&](const Record& record) {
                keep(record);
                seen(record);
                progress.add(record);
            },
            pool);
    }

    /// The record of a point that this folder had before this run.
    [[nodiscard]] std::optional<Record> earlier(std::int64_t point) const {
        return index_.is_final(point) ? std::optional(reader_.read(index_.place(point)))
                                      : std::nullopt;
    }

    /// How many records were written.
    [[nodiscard]] std::int64_t kept() const { return kept_; }

    void keep(const Record& record) {
        if (!writer_) {
            writer_ = std::make_unique<ShardWriter>(shards_of(options_.out), head_);
        }
        writer_->append(record);
        ++kept_;
        if (record.is_final()) {
            fresh_final_.insert(record.point);
        }
    }

private:
    /// What is known of points under other plans and in other folders, by their keys.
    struct Others {
        std::vector<std::unique_ptr<ShardReader>> readers;
        std::map<std::string, std::pair<std::size_t, RecordPlace>> known;
    };

    void find_others() {
        if (others_) {
            return;
        }
        Others& others = others_.emplace();
        others.readers.push_back(std::make_unique<ShardReader>(shards_of(options_.out)));
        for (const fs::path& folder : options_.reuse) {
            others.readers.push_back(std::make_unique<ShardReader>(shards_of(folder)));
        }
        for (std::size_t r = 0; r < others.readers.size(); ++r) {
            others.readers[r]->scan(
                [&](const ShardHead& head, Record&& record, const RecordPlace& place) {
                    // What constraints excluded may be asked for now.
                    if (!(r == 0 && head == head_) && record.is_final() && !record.key.empty() &&
                        record.status != PointStatus::excluded) {
                        others.known.emplace(std::move(record.key), std::pair(r, place));
                    }
                });
        }
    }

    /// Reads here, for all workers, what points have in common.
    void warm_up(PointRunner& runner, const std::vector<std::int64_t>& points) const {
        const auto first = std::find_if(points.begin(), points.end(),
                                        [&](std::int64_t point) { return !is_final(point); });
        if (first != points.end()) {
            runner.warm_up(*first, engine_);
        }
    }

    const LoadedSweep& loaded_;
    const Configs& configs_;
    const SweepOptions& options_;
    ShardHead head_;
    std::optional<Engine> engine_;
    ShardReader reader_;
    PointIndex index_;
    std::unique_ptr<ShardWriter> writer_;
    std::set<std::int64_t> fresh_final_;
    std::optional<Others> others_;
    std::int64_t kept_ = 0;
};

struct RunTally {
    std::int64_t found = 0;  ///< points of the first pass that were there already
    std::int64_t kept = 0;   ///< records that were written
};

void run_all(const LoadedSweep& loaded, const Configs& configs, const SweepOptions& options,
             const std::vector<std::string>& keys, const std::function<void(std::int64_t)>& begin,
             RunTally& counts) {
    PassRun pass(loaded, configs, options, kFirstPass, std::nullopt);
    std::vector<std::int64_t> points(static_cast<std::size_t>(loaded.sweep.space.size()));
    std::iota(points.begin(), points.end(), std::int64_t{0});
    pass.adopt(points, keys, [](const Record&) {});
    pass.forget_others();
    counts.found = std::count_if(points.begin(), points.end(),
                                 [&](std::int64_t point) { return pass.is_final(point); });
    begin(loaded.sweep.space.size() - counts.found);
    if (options.only_prepare) {
        return;
    }
    SweepProgress progress(loaded.sweep.name, loaded.sweep.space.size(), counts.found);
    pass.run(points, progress, [](const Record&) {});
    counts.kept += pass.kept();
}

/// How good a record is, for the search.
Fitness fitness_of(const Sweep& sweep, const Record& record) {
    const std::vector<std::string> totals = csv_cells(record.totals);
    Fitness fitness;
    if (record.status != PointStatus::failed) {
        fitness.violations =
            static_cast<int>(broken_constraints(sweep, record.point, totals).size());
        fitness.costs = costs_of(sweep, totals);
    }
    if (record.status == PointStatus::failed ||
        (fitness.violations == 0 && fitness.costs.empty())) {
        fitness.violations = static_cast<int>(sweep.constraints.size()) + 1;
    }
    return fitness;
}

void run_search(const LoadedSweep& loaded, const Configs& configs, const SweepOptions& options,
                RunTally& counts) {
    const Sweep& sweep = loaded.sweep;
    PassRun pass(loaded, configs, options, kFirstPass, std::nullopt);
    Nsga2 search(sweep.space, *sweep.search);
    SweepProgress progress(sweep.name, std::min(sweep.search->budget, sweep.space.size()), 0);
    for (std::vector<std::int64_t> points = search.ask(); !points.empty(); points = search.ask()) {
        const auto take = [&](const Record& record) {
            search.tell(record.point, fitness_of(sweep, record));
            ++counts.found;
            progress.add(record);
        };
        for (const std::int64_t point : points) {
            if (const auto record = pass.earlier(point)) {
                take(*record);
            }
        }
        pass.adopt(points, {}, take);
        pass.run(points, progress, [&](const Record& record) {
            search.tell(record.point, fitness_of(sweep, record));
        });
    }
    counts.kept += pass.kept();
}

void run_best(const LoadedSweep& loaded, const Configs& configs, const SweepOptions& options,
              RunTally& counts) {
    const std::vector<std::int64_t> best = best_points(loaded, options.out);
    PassRun pass(loaded, configs, options, then_pass(*loaded.manifest.then), loaded.manifest.then);
    pass.adopt(best, {}, [](const Record&) {});
    const auto found = std::count_if(best.begin(), best.end(),
                                     [&](std::int64_t point) { return pass.is_final(point); });
    SweepProgress progress(loaded.sweep.name + ", " + name(*loaded.manifest.then),
                           static_cast<std::int64_t>(best.size()), found);
    pass.run(best, progress, [](const Record&) {});
    counts.kept += pass.kept();
}

/// A sweep whose file was changed goes on in its folder; another one's tables are not replaced.
void refuse_other_sweep(const Manifest& before, const std::string& name, const fs::path& folder) {
    Diagnostics ignored;
    const YamlValue tree = read_yaml_text(before.text, before.file_name, ignored);
    const YamlValue* other = tree.find("sweep");
    if (other != nullptr && other->text() != name) {
        throw InputError("--out: '" + folder.string() + "' holds the results of the sweep '" +
                         other->text() + "'; expected another folder for '" + name + "'");
    }
}

}  // namespace

LoadedSweep load_sweep_file(const std::string& name, const std::vector<std::string>& base,
                            std::optional<Engine> then, std::int64_t top, const Configs& configs) {
    const ConfigFile file = configs.find(ConfigKind::experiment, name);
    LoadedSweep loaded;
    loaded.manifest.text =
        read_file_whole(file.path, file.shown_as, "a sweep file", kLargestSweepFile);
    loaded.manifest.file_name = file.path.filename().string();
    loaded.manifest.base = base;
    loaded.manifest.then = then;
    loaded.manifest.top = top;
    loaded.sweep = sweep_from(loaded.manifest.text, file.shown_as, base);
    PointLoader loader(configs);
    const InputFiles files = loader.files_of(loaded.sweep);
    loaded.inputs = files.paths();
    loaded.inputs.push_back(file.path);
    loaded.manifest.plan = plan_of(loaded, files);
    return loaded;
}

void check_sweep(const LoadedSweep& loaded, const Configs& configs, const PoolOptions& pool) {
    ProgressBar bar("checking the points of " + loaded.sweep.name);
    check_points(loaded.sweep, configs, false, pool, [&](double done) { bar.show(done); });
}

std::vector<SweepPass> passes_of(const LoadedSweep& loaded, const fs::path& folder) {
    std::vector<SweepPass> passes = {{kFirstPass}};
    if (loaded.manifest.then) {
        passes.push_back({then_pass(*loaded.manifest.then), best_points(loaded, folder)});
    }
    return passes;
}

SweepCounts counts_of(const LoadedSweep& loaded, const SweepTable& table) {
    SweepCounts counts;
    counts.failed = table.count(PointStatus::failed);
    counts.excluded = table.count(PointStatus::excluded);
    counts.found = table.count(PointStatus::done) + counts.excluded + counts.failed;
    counts.points = loaded.sweep.search ? counts.found : loaded.sweep.space.size();
    return counts;
}

void collect(const LoadedSweep& loaded, const fs::path& folder) {
    const fs::path shards = shards_of(folder);
    const SweepTable table(loaded.sweep, shards, loaded.manifest.plan, passes_of(loaded, folder));
    write_csv(table, folder / "results.csv");
    std::vector<NamedTable> tables = {{"results", &table}};
    std::optional<SweepTable> first;
    if (loaded.manifest.then) {
        first.emplace(loaded.sweep, shards, loaded.manifest.plan,
                      std::vector<SweepPass>{{kFirstPass}});
        write_csv(*first, folder / "first_pass.csv");
        tables.push_back({"first_pass", &*first});
    }
    write_sqlite(tables, folder / "results.sqlite");
}

std::int64_t run_sweep(LoadedSweep& loaded, const Configs& configs, const SweepOptions& options,
                       const std::function<void(std::int64_t left)>& begin) {
    const FolderLock lock(options.out, FolderLock::Kind::alone);
    const auto before = read_manifest(options.out);
    const bool same = before && before->plan == loaded.manifest.plan;
    if (before && !same) {
        refuse_other_sweep(*before, loaded.sweep.name, options.out);
    }
    loaded.manifest.checked = same && before->checked;
    const bool collected = same && before->collected && before->then == loaded.manifest.then &&
                           before->top == loaded.manifest.top &&
                           fs::exists(options.out / "results.csv") &&
                           fs::exists(options.out / "results.sqlite");
    const bool others = (before && !same) || !options.reuse.empty();
    std::vector<std::string> keys;
    if (!loaded.manifest.checked || !options.reuse.empty()) {
        ProgressBar bar("checking the points of " + loaded.sweep.name);
        keys = check_points(loaded.sweep, configs, others && !loaded.sweep.search, options.pool,
                            [&](double done) { bar.show(done); });
        loaded.manifest.checked = true;
    }
    loaded.manifest.collected = false;
    write_manifest(options.out, loaded.manifest);
    RunTally counts;
    if (loaded.sweep.search) {
        begin(std::min(loaded.sweep.search->budget, loaded.sweep.space.size()));
        run_search(loaded, configs, options, counts);
    } else {
        run_all(loaded, configs, options, keys, begin, counts);
    }
    if (options.only_prepare) {
        return counts.found;
    }
    if (loaded.manifest.then) {
        run_best(loaded, configs, options, counts);
    }
    if (!collected || counts.kept > 0) {
        collect(loaded, options.out);
    }
    loaded.manifest.collected = true;
    write_manifest(options.out, loaded.manifest);
    return counts.found;
}

}  // namespace memwall
