"""`lcjax hunt`: candidates of a night, ranked, in the browser, for an expert or a small team to accept or reject.

The app knows no survey, no network and no file format: readers, classifiers and host finders are handed in
(`candidates.Feed`, `Classifier`, `HostFinder`) by the command line. What Förster et al. 2021 (AJ 161, 242) call SN
Hunter is what it grew from.
"""
