/// A stretch of code that every packet passes.
#[derive(Clone, Copy, Debug)]
pub struct HotPath {
    /// What it is called in reports and in `counts.txt`.
    pub name: &'static str,
    /// What its work is counted in.
    pub unit: &'static str,
    /// Makes its inputs.
    pub prepare: fn() -> Stage,
}

/// A hot path with its inputs made.
pub struct Stage {
    /// The units of work in one run.
    pub units: u64,
    /// Sets one run up.
    pub fresh: Box<dyn Fn() -> Run>,
}

/// One run, to be called once; what it worked on stays until it is dropped.
pub type Run = Box<dyn FnMut()>;

impl core::fmt::Debug for Stage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Stage({} units)", self.units)
    }
}
