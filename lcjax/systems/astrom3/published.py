"""Settings and scores of the published runs of AstroM3 (arXiv 2411.08842, tables of hyper-parameters and of accuracies)."""

from dataclasses import dataclass

FRACTIONS = ("full", "50", "25", "10")
"""Of the training data, per cent."""
SEEDS = (42, 0, 66, 12, 123)
"""Of networks and of splits."""
ACCURACY = {
    ("photometry", False): (84.642, 6.317),
    ("photometry", True): (91.468, 0.446),
    ("spectra", False): (76.278, 0.931),
    ("spectra", True): (77.396, 0.614),
    ("metadata", False): (85.623, 0.628),
    ("metadata", True): (85.855, 0.856),
    ("all", False): (94.065, 0.390),
    ("all", True): (94.153, 0.577),
}
"""(mode, pretrained) -> test accuracy on all data, per cent, and its standard deviation over the five seeds."""


@dataclass(frozen=True)
class Run:
    """One published run."""

    mode: str
    fraction: str
    pretrained: bool
    dropout: tuple[float, float, float]
    """Of the encoders of photometry, spectra, metadata; those that are not in use repeat the others."""
    learning_rate: float
    beta1: float
    weight_decay: float
    factor: float
    clip: float | None

    @property
    def name(self) -> str:
        """Such as `photometry-10-clip`."""
        return f"{self.mode}-{self.fraction}{'-clip' if self.pretrained else ''}"

    @property
    def expected(self) -> str:
        """Its published score, or that there is none."""
        if self.fraction != "full":
            return "no score is quoted for this fraction"
        mean, std = ACCURACY[self.mode, self.pretrained]
        return f"test accuracy {mean} +- {std} % over five seeds"


PRETRAINING = Run(
    "all", "full", False, (0.245107, 0.339266, 0.159534), 3.92103e-3, 0.926192, 4.67007e-3, 0.112508, 45.0
)
RUNS: tuple[Run, ...] = (
    Run("photometry", "full", False, (0.230889, 0.230889, 0.230889), 0.00292528, 0.989614, 4.70659e-05, 0.505521, 5.0),
    Run("photometry", "50", False, (0.0986693, 0.0986693, 0.0986693), 0.00408571, 0.9651, 1.8902e-05, 0.3864, 5.0),
    Run("photometry", "25", False, (0.131137, 0.131137, 0.131137), 0.000865793, 0.959504, 0.000701826, 0.94523, 5.0),
    Run("photometry", "10", False, (0.0922559, 0.0922559, 0.0922559), 0.000129271, 0.914937, 0.00240568, 0.931994, 5.0),
    Run("photometry", "full", True, (0.149043, 0.149043, 0.149043), 0.000933772, 0.834768, 0.000465815, 0.38534, 5.0),
    Run("photometry", "50", True, (0.30214, 0.30214, 0.30214), 0.000292815, 0.973875, 5.80199e-05, 0.774056, 5.0),
    Run("photometry", "25", True, (0.29166, 0.29166, 0.29166), 0.00057499, 0.812245, 0.0770585, 0.424387, 5.0),
    Run("photometry", "10", True, (0.195929, 0.195929, 0.195929), 0.000320969, 0.738497, 0.00231459, 0.90703, 5.0),
    Run("spectra", "full", False, (0.316109, 0.316109, 0.316109), 0.00397018, 0.762343, 0.000157978, 0.601923, 5.0),
    Run("spectra", "50", False, (0.215055, 0.215055, 0.215055), 0.00910812, 0.901758, 0.000401057, 0.818823, 5.0),
    Run("spectra", "25", False, (0.360276, 0.360276, 0.360276), 0.00463338, 0.700829, 0.000113874, 0.848986, 5.0),
    Run("spectra", "10", False, (0.219252, 0.219252, 0.219252), 0.00573356, 0.970605, 0.0083115, 0.914364, 5.0),
    Run("spectra", "full", True, (0.399391, 0.399391, 0.399391), 0.00255127, 0.872115, 8.08796e-05, 0.621515, 5.0),
    Run("spectra", "50", True, (0.397157, 0.397157, 0.397157), 0.0025113, 0.709349, 6.82317e-05, 0.603466, 5.0),
    Run("spectra", "25", True, (0.283002, 0.283002, 0.283002), 0.00969063, 0.707518, 2.67022e-05, 0.103748, 5.0),
    Run("spectra", "10", True, (0.376955, 0.376955, 0.376955), 0.00901894, 0.900072, 1.0317e-05, 0.102535, 5.0),
    Run("metadata", "full", False, (0.191689, 0.191689, 0.191689), 0.00274498, 0.921979, 0.00026179, 0.372052, None),
    Run("metadata", "50", False, (0.231253, 0.231253, 0.231253), 0.0089421, 0.950342, 4.30776e-05, 0.397046, None),
    Run("metadata", "25", False, (0.135218, 0.135218, 0.135218), 0.00821859, 0.903651, 0.000223757, 0.308017, None),
    Run("metadata", "10", False, (0.147938, 0.147938, 0.147938), 0.0095861, 0.960355, 0.00166928, 0.480406, None),
    Run("metadata", "full", True, (0.326355, 0.326355, 0.326355), 0.00380709, 0.759599, 8.91503e-05, 0.331889, None),
    Run("metadata", "50", True, (0.28553, 0.28553, 0.28553), 0.00982973, 0.794708, 0.000105484, 0.292905, None),
    Run("metadata", "25", True, (0.257575, 0.257575, 0.257575), 0.00452004, 0.952684, 5.15369e-05, 0.650927, None),
    Run("metadata", "10", True, (0.175602, 0.175602, 0.175602), 0.00104531, 0.75128, 1.05177e-05, 0.552759, None),
    Run("all", "full", False, (0.105443, 0.350899, 0.316466), 0.00424595, 0.914985, 6.93271e-05, 0.100363, None),
    Run("all", "50", False, (0.277984, 0.399885, 0.237143), 0.0040477, 0.910324, 0.000191755, 0.241139, None),
    Run("all", "25", False, (0.185103, 0.236834, 0.185789), 0.00298423, 0.950676, 0.000269555, 0.547847, None),
    Run("all", "10", False, (0.0581649, 0.330664, 0.263174), 0.00182571, 0.903934, 3.10114e-05, 0.425047, None),
    Run("all", "full", True, (0.23298, 0.176814, 0.117685), 0.00950384, 0.945582, 5.93782e-05, 0.196497, None),
    Run("all", "50", True, (0.0811637, 0.0345453, 0.272181), 0.00387897, 0.862852, 8.29798e-05, 0.257102, None),
    Run("all", "25", True, (0.143506, 0.141634, 0.307956), 0.00174717, 0.729344, 0.000121435, 0.348196, None),
    Run("all", "10", True, (0.308412, 0.189105, 0.105788), 0.00998606, 0.968494, 0.00025754, 0.119422, None),
)
"""In the order of the published table."""
RUN_OF_NAME = {run.name: run for run in RUNS}
