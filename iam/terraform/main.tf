# The role of the scanner (the base role) and, with S3 storage, the role of a separate exporter.

module "policies" {
  source                  = "./modules/policies"
  role_arns               = var.role_arns
  base_reads_organization = var.reads_organization
  read_owners             = var.read_owners
  storage                 = var.storage
  partition               = data.aws_partition.current.partition
}

data "aws_partition" "current" {}

locals {
  issuer = var.oidc_provider_arn == null ? "" : replace(var.oidc_provider_arn, "/^.*:oidc-provider\\//", "")

  # Kubernetes service accounts assume the role through the cluster's OIDC provider (IRSA), AWS services directly.
  trust = {
    for name, service_account in {
      base     = var.service_account
      exporter = var.exporter_service_account
      } : name => jsonencode({
        Version = "2012-10-17"
        Statement = concat(
          [for subject in compact([service_account]) : {
            Effect    = "Allow"
            Principal = { Federated = var.oidc_provider_arn }
            Action    = "sts:AssumeRoleWithWebIdentity"
            Condition = {
              StringEquals = {
                "${local.issuer}:sub" = "system:serviceaccount:${subject}"
                "${local.issuer}:aud" = "sts.amazonaws.com"
              }
            }
          }],
          [for service in var.trusted_services : {
            Effect    = "Allow"
            Principal = { Service = service }
            Action    = "sts:AssumeRole"
          }],
        )
    })
  }
}

resource "aws_iam_role" "base" {
  name               = var.role_name
  description        = "tag-compliance: assumes the roles of the accounts."
  assume_role_policy = local.trust["base"]
  tags               = var.tags

  lifecycle {
    precondition {
      condition     = var.service_account != null || length(var.trusted_services) > 0
      error_message = "Nothing may assume the base role: set service_account or trusted_services."
    }
    precondition {
      condition     = var.service_account == null || var.oidc_provider_arn != null
      error_message = "service_account requires oidc_provider_arn, the cluster's OIDC provider."
    }
  }
}

resource "aws_iam_role_policy" "assume" {
  name   = "assume-the-accounts-roles"
  role   = aws_iam_role.base.id
  policy = module.policies.base
}

resource "aws_iam_role_policy" "storage" {
  count  = var.storage == null ? 0 : 1
  name   = "storage"
  role   = aws_iam_role.base.id
  policy = module.policies.storage
}

resource "aws_iam_role" "exporter" {
  count              = var.exporter_service_account == null ? 0 : 1
  name               = "${var.role_name}-exporter"
  description        = "tag-compliance: reads snapshots."
  assume_role_policy = local.trust["exporter"]
  tags               = var.tags
}

resource "aws_iam_role_policy" "snapshots" {
  count  = var.exporter_service_account == null || var.storage == null ? 0 : 1
  name   = "read-snapshots"
  role   = aws_iam_role.exporter[0].id
  policy = module.policies.exporter
}
