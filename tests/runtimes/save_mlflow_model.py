"""Save a linear model as MLflow does, in an environment that has it: `PYTHON save_mlflow_model.py FOLDER FACTOR`.

Prints, as JSON, the rows and what MLflow's own Python answers for them.
"""

from __future__ import annotations

import json
import sys

import mlflow.pyfunc
import mlflow.sklearn
import numpy
import pandas
from sklearn.linear_model import LinearRegression

folder, factor = sys.argv[1], float(sys.argv[2])
source = numpy.random.default_rng(int(factor))
frame = pandas.DataFrame(source.normal(size=(50, 3)), columns=["width", "height", "depth"])
model = LinearRegression().fit(frame, frame.to_numpy() @ numpy.array([1.0, factor, -0.5]) + factor)
mlflow.sklearn.save_model(model, folder)
asked = frame.head(4)
answered = mlflow.pyfunc.load_model(folder).predict(asked)
told = {"split": asked.to_dict(orient="split", index=False), "predictions": answered.tolist()}
sys.stdout.write(json.dumps(told) + "\n")
