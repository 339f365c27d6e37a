//! The time of every hot path: `cargo bench -p tidegate-microbench`.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

fn hot_paths(criterion: &mut Criterion) {
    for path in tidegate_microbench::hot_paths() {
        let stage = (path.prepare)();
        let mut group = criterion.benchmark_group(path.name);
        group.throughput(Throughput::Elements(stage.units));
        group.bench_function(path.unit, |bencher| {
            bencher.iter_batched(&stage.fresh, |mut run| run(), BatchSize::PerIteration);
        });
        group.finish();
    }
}

criterion_group!(benches, hot_paths);
criterion_main!(benches);
