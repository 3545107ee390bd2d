# The Hub image of Zero to JupyterHub, with jupyter_auth. At the top of this repository:
#   pip wheel --no-deps --wheel-dir dist .
#   docker build --file docs/hub/k8s-hub.Dockerfile --build-arg CHART=4.4.0 --tag IMAGE dist
# CHART is the installed version of the chart.
ARG CHART
FROM quay.io/jupyterhub/k8s-hub:${CHART}
USER root
COPY jupyter_auth_session-*.whl /tmp/
RUN pip install --no-cache-dir "$(ls /tmp/jupyter_auth_session-*.whl)[hub]" \
 && rm /tmp/jupyter_auth_session-*.whl
USER 1000
